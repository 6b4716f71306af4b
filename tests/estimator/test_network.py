"""OpenVINO runs what it is given or says in one line why not; and it reports to nobody."""

import subprocess
import sys

import numpy as np
import pytest

from estimator.errors import InputError
from estimator.landmark_network import LandmarkNetwork
from estimator.models import load_models
from estimator.network import Network
from estimator.square import Square

SHAPES = ((1, 63), (1, 1), (1, 1), (1, 63))


def test_bytes_that_are_no_model_are_an_error_in_one_line() -> None:
    with pytest.raises(InputError, match="OpenVINO cannot read the toy") as caught:
        Network("toy", b"text", 8, [(1, 1)])
    assert "\n" not in str(caught.value)


def test_another_network_is_an_error() -> None:
    palms, _ = load_models()
    with pytest.raises(InputError, match=r"landmark network .* shapes .*192.* instead of .*224"):
        LandmarkNetwork(palms)


def test_without_openvino_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(InputError, match=r"^openvino: "):
        Network("toy", b"", 8, [])


def test_the_same_picture_gives_the_same_numbers() -> None:
    network = Network("landmark network", load_models()[1], 224, SHAPES)
    picture, other = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    first = network(picture)
    network(other)
    assert all(np.array_equal(one, again) for one, again in zip(first, network(picture), strict=True))


def test_grey_is_no_hand() -> None:
    hand = LandmarkNetwork(load_models()[1])(np.full((50, 60, 3), 128, np.uint8), Square.whole(60, 50))
    assert hand.presence < 0.1


def test_openvino_is_loaded_without_its_telemetry() -> None:
    program = (
        "import sys\nfrom estimator.models import load_models\nfrom estimator.landmark_network import LandmarkNetwork\n"
        "LandmarkNetwork(load_models()[1])\nprint([name for name in sys.modules if name.startswith('openvino_telemetry')])"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout == "[]\n"
    assert finished.stderr == ""


def test_signals_are_survived_whatever_the_order_in_which_networks_go() -> None:
    program = (
        "import gc, signal\nfrom estimator.models import load_models\nfrom estimator.landmark_network import LandmarkNetwork\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('handled'))\n"
        "model = load_models()[1]\nfirst, second = LandmarkNetwork(model), LandmarkNetwork(model)\n"
        "del first\ngc.collect()\ndel second\ngc.collect()\nsignal.raise_signal(signal.SIGTERM)"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout) == (0, "handled\n")
