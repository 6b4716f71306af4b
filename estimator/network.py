"""A TFLite network run by OpenVINO: a square picture in, arrays out. Nothing else in the project knows OpenVINO."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, UInt8

from estimator.errors import InputError
from estimator.signal_stack import own_signal_stack
from estimator.system import explain_missing_library

if TYPE_CHECKING:
    from openvino import Core, Model, Output


@dataclass(frozen=True)
class InnerOutput:
    """A value inside a network, told by what computes it, since names change between reads: the last of its type and shape."""

    operation: str
    shape: tuple[int, ...]


class Network:
    """A network of one picture, ready to run on the processor; in float32 on every machine, whatever its processor would do faster.

    Args:
        name: what it is, for messages.
        model: a ``.tflite`` file's bytes.
        side: pixels of the picture's side.
        shapes: of the outputs, in the file's order.
        inner: values inside the network to give after the outputs.

    Raises:
        InputError: OpenVINO cannot be loaded, or it cannot use the model, or inputs and outputs have other shapes.
    """

    def __init__(self, name: str, model: bytes, side: int, shapes: Sequence[tuple[int, ...]], inner: Sequence[InnerOutput] = ()) -> None:
        graph = read_model(name, model)
        _require_shapes(name, graph, [(1, side, side, 3), *shapes])
        _show_inner(name, graph, inner)
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
        with own_signal_stack():
            try:
                compiled = _openvino().compile_model(graph, "CPU", settings)
            except RuntimeError as error:
                raise InputError(f"OpenVINO cannot run the {name}: {_first_line(error)}") from error
        self._request = compiled.create_infer_request()
        self._output_count = len(shapes) + len(inner)

    def __call__(self, picture: UInt8[np.ndarray, "side side 3"]) -> list[Float32[np.ndarray, "..."]]:
        """The outputs for an RGB picture, then the inner values."""
        self._request.infer([np.multiply(picture[None], np.float32(1 / 255), dtype=np.float32)])
        return [self._request.get_output_tensor(index).data.copy() for index in range(self._output_count)]


def read_model(name: str, model: bytes) -> "Model":
    """The graph of a ``.tflite`` file; see ``Network`` for arguments and errors."""
    core = _openvino()
    with tempfile.TemporaryDirectory(prefix="deephandmesh-") as folder, own_signal_stack():
        path = Path(folder) / "model.tflite"  # OpenVINO reads this format from files only
        path.write_bytes(model)
        try:
            return core.read_model(path)
        except RuntimeError as error:
            raise InputError(f"OpenVINO cannot read the {name}: {_first_line(error)}") from error


def _openvino() -> "Core":
    try:
        with _without_telemetry():
            from openvino import Core
    except (ImportError, OSError) as error:
        raise InputError(f"openvino: {explain_missing_library(error)}") from error
    return Core()


def _require_shapes(name: str, model: "Model", expected: Sequence[tuple[int, ...]]) -> None:
    found = [_shape(port) for port in (*model.inputs, *model.outputs)]
    if found != list(expected):
        raise InputError(f"the {name} has inputs and outputs of shapes {found} instead of {list(expected)}")


def _show_inner(name: str, model: "Model", inner: Sequence[InnerOutput]) -> None:
    """Make outputs of values inside a model; the computation stays the same."""
    computed = [(step.get_type_name(), step.output(0)) for step in model.get_ordered_ops() if step.get_output_size() == 1]
    for wanted in inner:
        ports = [port for operation, port in computed if operation == wanted.operation and _shape(port) == wanted.shape]
        if not ports:
            raise InputError(f"the {name} has no {wanted.operation} of shape {wanted.shape} inside; give the released model")
        model.add_outputs(ports[-1])


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


def _shape(port: "Output") -> tuple[int, ...] | None:
    """None where it is not fixed."""
    shape = port.get_partial_shape()
    return tuple(shape.to_shape()) if shape.is_static else None


def _first_line(error: Exception) -> str:
    """OpenVINO's messages end in what is wrong, after lines that name its own files."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
