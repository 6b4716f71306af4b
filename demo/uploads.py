"""Inputs for files as Gradio hands them over, not as it would open them: what is in a file is for the estimator's readers to say."""

from pathlib import Path

import gradio as gr
from gradio.data_classes import ImageData


class PhotographInput(gr.Image):
    """Upload, drop, paste or take a photograph; gives the path of the very file, or None."""

    def preprocess(self, payload: ImageData | None) -> Path | None:
        """The file as it was uploaded: with its EXIF record, and not yet decoded."""
        return Path(payload.path) if payload and payload.path else None

    def get_block_name(self) -> str:
        """The component of Gradio's page that shows it."""
        return "image"
