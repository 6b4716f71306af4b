"""What the operating system must bring along, and how to ask it for less noise. Standard library only."""

import contextlib
import ctypes
import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SystemLibrary:
    """A shared library and the packages that hold it."""

    file_name: str
    debian: str
    fedora: str


SYSTEM_LIBRARIES = (
    SystemLibrary("libGL.so.1", debian="libgl1", fedora="libglvnd-glx"),
    SystemLibrary("libglib-2.0.so.0", debian="libglib2.0-0", fedora="glib2"),
    SystemLibrary("libgthread-2.0.so.0", debian="libglib2.0-0", fedora="glib2"),
    SystemLibrary("libxcb.so.1", debian="libxcb1", fedora="libxcb"),
)
"""What OpenCV's wheels load on Linux and do not ship."""

COMPARISON_LIBRARIES = (
    SystemLibrary("libEGL.so.1", debian="libegl1", fedora="libglvnd-egl"),
    SystemLibrary("libGLESv2.so.2", debian="libgles2", fedora="libglvnd-gles"),
)
"""What programs load that ours are compared with: MediaPipe in the tests, and the first also pyrender."""


def explain_missing_library(error: ImportError | OSError) -> str:
    """One line for an import that failed: the library that is missing and the command that installs it.

    Anything but a missing shared library is described by its own message.
    """
    missing = re.search(r"(lib[\w+.-]*\.so[.\d]*): cannot open shared object file", str(error))
    return explain_missing_files([missing.group(1)]) if missing else f"cannot be loaded: {' '.join(str(error).split())}"


def missing_libraries(libraries: Iterable[SystemLibrary] = SYSTEM_LIBRARIES) -> list[str]:
    """File names of the libraries that this system cannot load; on other systems than Linux none is needed."""
    if platform.system() != "Linux":
        return []
    return [library.file_name for library in libraries if not _loads(library.file_name)]


def install_command(file_names: Iterable[str], os_release: Mapping[str, str]) -> str:
    """The command that installs these libraries on the system that ``/etc/os-release`` describes.

    An unknown system gets both the Debian and the Fedora command; an unknown library is left to the reader.
    """
    wanted = set(file_names)
    known = [library for library in (*SYSTEM_LIBRARIES, *COMPARISON_LIBRARIES) if library.file_name in wanted]
    if len(known) < len(wanted):
        return "install the package of your system that holds " + ", ".join(sorted(wanted))
    debian = "apt-get install -y " + " ".join(dict.fromkeys(library.debian for library in known))
    fedora = "dnf install -y " + " ".join(dict.fromkeys(library.fedora for library in known))
    family = {os_release.get("ID", ""), *os_release.get("ID_LIKE", "").split()}
    if family & {"debian", "ubuntu"}:
        return f"install it as root: {debian}"
    if family & {"fedora", "rhel", "centos"}:
        return f"install it as root: {fedora}"
    return f"install it as root: {debian} (Debian, Ubuntu) or {fedora} (Fedora)"


@contextlib.contextmanager
def native_messages_dropped() -> Iterator[None]:
    """Drops what native code writes to stderr meanwhile: MediaPipe and TFLite offer no switch for their start-up messages.

    The whole process is affected, so keep it short. Without an open stderr nothing happens.
    """
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


def _loads(file_name: str) -> bool:
    try:
        ctypes.CDLL(file_name)
    except OSError:
        return False
    return True


def explain_missing_files(file_names: Sequence[str]) -> str:
    """One line: which libraries are missing and the command that installs them here."""
    try:
        os_release = platform.freedesktop_os_release()
    except OSError:
        os_release = {}
    noun = "library" if len(file_names) == 1 else "libraries"
    return f"the system {noun} {', '.join(file_names)} cannot be found: {install_command(file_names, os_release)}"


def main() -> int:
    """``python -m estimator.system``: exit status 2 and the cure where a system library is missing, otherwise 0 and silence."""
    missing = missing_libraries()
    if missing:
        print(explain_missing_files(missing), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
