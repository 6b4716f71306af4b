"""Toy runs for reports: hands of 790 vertices, hardly trained, and moments of a hand of the same template."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from datasets.studio_sample import Scan
from decoder_pretrain.config import TrainConfig
from decoder_pretrain.evaluation import KnownMoment
from decoder_pretrain.run_folder import RunFolder
from estimator.hand.correctives import Correctives
from estimator.hand.decoder import HandDecoder
from estimator.hand.template import JOINT_COUNT, LOW_RESOLUTION_TEMPLATE, POSE_SIZE, HandTemplate
from estimator.image_encoder import ImageEncoder, ImageEncoderConfig
from estimator.personal_decoder import save_personal_decoder

DATA = "virtual:1"
GESTURES = ("wave", "snap")


def toy_run(path: Path, config: TrainConfig, finished: bool = True) -> RunFolder:
    """What ``decoder_pretrain.train`` leaves behind, on the small template whatever the model."""
    folder = RunFolder(path)
    folder.begin(config)
    for step in (20, 40):
        folder.log({"step": step, "epoch": step / 40, "total": 9.0 / step, "pose": 5.0 / step, "joint_error_mm": 99.0 / step})
    if finished:
        template = HandTemplate.load(LOW_RESOLUTION_TEMPLATE)
        torch.manual_seed(len(config.correctives.parts))
        save_personal_decoder(
            Correctives(config.correctives, torch.tensor(template.skinning_weights, dtype=torch.float32)),
            template,
            "toy",
            folder.decoder_file,
        )
        ImageEncoder(ImageEncoderConfig("tiny", "random")).save(folder.encoder_file, template.skeleton_id)
    return folder


class ToyMoments:
    """Stands in for ``moments.moments_of``; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, data: str, subject: int, split: str, size: int, count: int) -> Sequence[KnownMoment]:
        self.asked += 1
        template = HandTemplate.load(LOW_RESOLUTION_TEMPLATE)
        generator = torch.Generator().manual_seed(count)
        moments = []
        for index in range(count):
            mesh = HandDecoder(template)(0.3 * torch.rand(POSE_SIZE, generator=generator))
            moments.append(
                KnownMoment(
                    motion=GESTURES[index % len(GESTURES)],
                    image=np.full((32, 32, 3), 20 * index, dtype=np.uint8),
                    joints=mesh.joints.positions.double().numpy() + 7.0,
                    valid=np.ones(JOINT_COUNT, dtype=bool),
                    scan=Scan(1.02 * mesh.vertices.double().numpy() + 7.0, template.faces),
                )
            )
        return moments
