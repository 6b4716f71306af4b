"""A TFLite network run by OpenVINO: a square picture in, arrays out. Nothing else in the project knows OpenVINO."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from estimator.errors import InputError
from estimator.system import explain_missing_library


class Network:
    """A network of one picture, ready to run on the processor; in float32 on every machine, whatever its processor would do faster.

    Args:
        name: what it is, for messages.
        model: a ``.tflite`` file's bytes.
        side: pixels of the picture's side.
        shapes: of the outputs, in the file's order.

    Raises:
        InputError: OpenVINO cannot be loaded, or it cannot use the model, or inputs and outputs have other shapes.
    """

    def __init__(self, name: str, model: bytes, side: int, shapes: Sequence[tuple[int, ...]]) -> None:
        try:
            with _without_telemetry():
                from openvino import Core
        except (ImportError, OSError) as error:
            raise InputError(f"openvino: {explain_missing_library(error)}") from error
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
        with tempfile.TemporaryDirectory(prefix="deephandmesh-") as folder:
            path = Path(folder) / "model.tflite"  # OpenVINO reads this format from files only
            path.write_bytes(model)
            try:
                compiled = Core().compile_model(path, "CPU", settings)
            except RuntimeError as error:
                raise InputError(f"OpenVINO cannot read the {name}: {_first_line(error)}") from error
        found = [tuple(port.shape) for port in (*compiled.inputs, *compiled.outputs)]
        expected = [(1, side, side, 3), *shapes]
        if found != expected:
            raise InputError(f"the {name} has inputs and outputs of shapes {found} instead of {expected}")
        self._request = compiled.create_infer_request()
        self._output_count = len(shapes)

    def __call__(self, picture: UInt8[np.ndarray, "side side 3"]) -> list[Float32[np.ndarray, "..."]]:
        """The outputs for an RGB picture."""
        self._request.infer([np.multiply(picture[None], np.float32(1 / 255), dtype=np.float32)])
        return [self._request.get_output_tensor(index).data.copy() for index in range(self._output_count)]


@contextlib.contextmanager
def _without_telemetry() -> Iterator[None]:
    """OpenVINO's import reports itself to its maker where it finds openvino-telemetry, which its wheel demands: so it finds none."""
    name = "openvino_telemetry"
    present = sys.modules.get(name)
    sys.modules[name] = None  # pyright: ignore[reportArgumentType] - Python's own way to say that there is no such module
    try:
        yield
    finally:
        del sys.modules[name]
        if present is not None:
            sys.modules[name] = present


def _first_line(error: Exception) -> str:
    """OpenVINO's messages end in what is wrong, after lines that name its own files."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
