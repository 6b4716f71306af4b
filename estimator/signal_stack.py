"""The stack on which a thread handles signals, kept from libraries that change it and take their own away again."""

import contextlib
import ctypes
import sys
from collections.abc import Iterator


class _Stack(ctypes.Structure):
    """``stack_t`` of Linux's signal.h."""

    _fields_ = (("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextlib.contextmanager
def own_signal_stack() -> Iterator[None]:
    """Give this thread its signal stack back afterwards.

    OpenVINO's processor plugin brings one along, frees it when the plugin goes, and puts back what it found when it came. Where plugins do
    not go in the reverse order of their coming, that is the freed stack of another, and the next signal ends the process. On
    Linux only: elsewhere OpenVINO leaves it alone.
    """
    if sys.platform != "linux":
        yield
        return
    sigaltstack = ctypes.CDLL(None).sigaltstack
    before = _Stack()
    sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        sigaltstack(ctypes.byref(before), None)
