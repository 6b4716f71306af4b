"""One running demo for all tests that need one, with the real pipeline and the hand that ships."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from demo.server import Settings, serving
from estimator.hand.correctives import Correctives, CorrectivesConfig
from estimator.personal_decoder import load_template, save_personal_decoder


@pytest.fixture(scope="session")
def decoder_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A decoder with every corrective, some millimetres large, of nobody."""
    template = load_template()
    torch.manual_seed(7)
    correctives = Correctives(CorrectivesConfig(), torch.tensor(template.skinning_weights, dtype=torch.float32))
    for network in correctives.networks.values():
        torch.nn.init.constant_(network[2].bias, 0.1)
    path = tmp_path_factory.mktemp("person") / "decoder.safetensors"
    save_personal_decoder(correctives, template, "virtual:test", path)
    return path


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """A demo on a port of its own."""
    with serving(Settings(largest_upload=2_000_000)) as running:
        yield running
