"""load_pickle: what a pickle of NumPy arrays holds, without running what it says.

A pickle is a program that may call anything it can name. Here it can name only the few constructors that NumPy writes, and gets stand-ins
even for those: they note what the file says, and arrays are built from the notes, checked, once the program has ended.
"""

import io
import math
import pickle
import pickletools
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_DAMAGE = (
    *(pickle.UnpicklingError, EOFError, AttributeError, ImportError, ValueError, TypeError),
    *(LookupError, OverflowError, MemoryError, RecursionError, struct.error),
)
"""All that Python's unpickler raises over a damaged file."""

_NUMBER = re.compile(r"[biuf][1248]|f16")
_ARRAY_TYPE = "the type of arrays"


class _ForbiddenError(Exception):
    """A pickle asks for more than arrays."""


def load_pickle(path: Path) -> object:
    """The content of a pickle: arrays of numbers, numbers, strings, and the dicts, lists and tuples that hold them.

    Raises:
        ValueError: one line naming the file, when it cannot be read, is damaged, or asks for anything else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror or error}); copy the file again") from error
    try:
        _require_small_memory(content)
        # Latin-1 is how Python 3 reads the bytes of arrays that Python 2 wrote
        return _Builder().build(_Unpickler(io.BytesIO(content), encoding="latin1").load())
    except _ForbiddenError as error:
        raise ValueError(f"{path}: refused, because it {error}, which no array needs; use a copy from a source that you trust") from error
    except _DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path}: damaged or not a pickle of arrays ({reason}); copy the file again") from error


def _require_small_memory(content: bytes) -> None:
    """Python's unpickler makes room for any number that an object is remembered by; honest pickles count from 0."""
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name.endswith("PUT") and argument > len(content):
            raise _ForbiddenError(f"numbers an object {argument}")


class _Unpickler(pickle.Unpickler):
    """Knows the names that NumPy's pickles contain, of NumPy 1 and 2 alike, and no other."""

    def find_class(self, module: str, name: str) -> object:
        known = module.replace("numpy.core.", "numpy._core."), name
        if known == ("numpy", "ndarray"):
            return _ARRAY_TYPE
        if known not in _CONSTRUCTORS:
            raise _ForbiddenError(f"asks for {f'{module}.{name}'[:100]!r}")
        return _Constructor(_CONSTRUCTORS[known])


@dataclass(frozen=True)
class _Constructor:
    """A function that a pickle may call but not change."""

    make: Callable[..., object]

    def __call__(self, *arguments: object) -> object:
        return self.make(*arguments)

    def __setstate__(self, state: object) -> None:
        raise _ForbiddenError("changes a function")


class _NumberType:
    """Stands for a dtype: the number's kind and size now, its byte order when the pickle tells the rest."""

    def __init__(self, name: object, *_: object) -> None:
        if not isinstance(name, str) or not _NUMBER.fullmatch(name):
            raise _ForbiddenError(f"holds an array of {str(name)[:100]!r} instead of numbers")
        self.dtype = np.dtype(name)

    def __setstate__(self, state: tuple[object, ...]) -> None:
        if state[1] not in ("<", ">", "|", "="):
            raise ValueError("unknown byte order")
        self.dtype = self.dtype.newbyteorder(str(state[1]))


class _Array:
    """Stands for an array until all of it is known."""

    def __init__(self, subtype: object = _ARRAY_TYPE, *_: object) -> None:
        if subtype is not _ARRAY_TYPE:
            raise _ForbiddenError("makes an array of another type")
        self.values: np.ndarray | None = None

    def __setstate__(self, state: tuple[object, ...]) -> None:
        _, shape, number_type, by_columns, data = state
        self.values = _values(data, number_type, shape, "F" if by_columns else "C")


def _from_buffer(data: object, number_type: object, shape: object, order: object) -> _Array:
    array = _Array()
    array.values = _values(data, number_type, shape, "F" if order == "F" else "C")
    return array


def _scalar(number_type: object, data: object) -> _Array:
    return _from_buffer(data, number_type, (), "C")


def _values(data: object, number_type: object, shape: object, order: str) -> np.ndarray:
    content = data.encode("latin1") if isinstance(data, str) else data
    if not isinstance(number_type, _NumberType) or not isinstance(content, bytes | bytearray):
        raise _ForbiddenError("holds an array of something other than numbers")
    if not isinstance(shape, tuple) or not all(isinstance(side, int) and side >= 0 for side in shape):
        raise ValueError("an array without a shape")
    if math.prod(shape) * number_type.dtype.itemsize != len(content):
        raise ValueError(f"{len(content)} bytes for an array of shape {shape}")
    native = number_type.dtype.newbyteorder("=")
    return np.frombuffer(content, number_type.dtype).reshape(shape, order="F" if order == "F" else "C").astype(native)


def _encoded(text: object, encoding: object) -> bytes:
    """Bytes as protocols below 3 spell them."""
    if not isinstance(text, str) or encoding != "latin1":
        raise _ForbiddenError("encodes text")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """Nothing, as protocols below 3 spell it."""
    return b""


_CONSTRUCTORS: dict[tuple[str, str], Callable[..., object]] = {
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    ("numpy", "dtype"): _NumberType,
    ("_codecs", "encode"): _encoded,
    ("__builtin__", "bytes"): _no_bytes,
}


class _Builder:
    """Puts arrays in the place of their stand-ins; what a pickle shares stays shared, so that small files stay small."""

    def __init__(self) -> None:
        self._built: dict[int, object] = {}
        self._open: set[int] = set()

    def build(self, value: object) -> object:
        key = id(value)
        if key in self._open:
            raise ValueError("it contains itself")
        if key not in self._built:
            self._open.add(key)
            self._built[key] = self._copy(value)
            self._open.remove(key)
        return self._built[key]

    def _copy(self, value: object) -> object:
        match value:
            case _Array():
                if value.values is None:
                    raise ValueError("an array without content")
                return value.values if value.values.ndim else value.values[()]
            case dict():
                return {self.build(name): self.build(entry) for name, entry in value.items()}
            case list():
                return [self.build(entry) for entry in value]
            case tuple():
                return tuple(self.build(entry) for entry in value)
            case None | bool() | int() | float() | str() | bytes():
                return value
        raise _ForbiddenError(f"holds a {type(value).__name__}")
