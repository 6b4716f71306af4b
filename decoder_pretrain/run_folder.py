"""RunFolder: what a run of stage 1 leaves behind."""

from pathlib import Path

from decoder_pretrain.config import TrainConfig
from estimator.learning import run_folder


class RunFolder(run_folder.RunFolder[TrainConfig]):
    """The files of one run; each is whole or absent, whatever interrupts."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, TrainConfig, "decoder_pretrain.train")
        self.decoder_file = path / "decoder.safetensors"
        self.reference_texture_file = path / "reference_texture.png"
