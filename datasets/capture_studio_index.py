"""Which frames a DeepHandMesh release holds: found once by looking into every folder, then kept in a cache file."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from datasets.index_cache import stamp, write_cache
from estimator.hand.template import Side

COLOUR_PREFIX = "40"
_CACHE_SCHEMA = "capture-studio-index/1"
_CALIBRATION = "annotations/KRT_512"


@dataclass(frozen=True)
class StudioFrame:
    """One moment of a sequence that has key points and at least one image of a calibrated camera.

    Attributes:
        number: the frame's, as the names of its images spell it.
        sides: the hands that the sequence shows; none where its name does not say.
        cameras: calibrated cameras that took an image, in order.
        depth_cameras: those of them with a depth map.
    """

    subject: int
    sequence: str
    number: str
    sides: tuple[Side, ...]
    cameras: tuple[str, ...]
    depth_cameras: tuple[str, ...]

    @property
    def colour_cameras(self) -> tuple[str, ...]:
        """Those of ``cameras`` that see colour."""
        return tuple(camera for camera in self.cameras if camera.startswith(COLOUR_PREFIX))

    @property
    def is_for_training(self) -> bool:
        """Sequences of the range of motion are left out, and those that show nobody knows which hand."""
        return "ROM" not in self.sequence and bool(self.sides)


@dataclass(frozen=True)
class Missing:
    """What a release lacks, counted."""

    sequences_without_side: int = 0
    frames_without_key_points: int = 0
    images_without_calibration: int = 0
    images_without_depth_map: int = 0


@dataclass(frozen=True)
class StudioIndex:
    """Which frames there are, by subject, sequence and number, and what is missing."""

    frames: tuple[StudioFrame, ...]
    missing: Missing


def load_index(root: Path, cameras: frozenset[str], cache: Path) -> StudioIndex:
    """The index of a release's ``data`` folder: the cached one while no file was added or removed, else a new one, then cached.

    Args:
        cameras: the names of those that are calibrated.

    Raises:
        ValueError: one line naming file and cure, when a folder cannot be read or the cache cannot be written.
    """
    index = _read_cache(root, cache)
    if index is None:
        finder = _Finder(root, cameras)
        index = finder.find()
        write_cache(cache, json.dumps({"schema": _CACHE_SCHEMA, "stamps": finder.stamps, **asdict(index)}).encode())
    return index


def sides_of_sequence(subject: int, sequence: str) -> tuple[Side, ...]:
    """The hands that a sequence's name says it shows."""
    if "DH" in sequence:
        return "right", "left"
    right = "RT" in sequence or (subject == 1 and sequence.startswith("00"))
    return (*(("right",) if right else ()), *(("left",) if "LT" in sequence else ()))


def image_name(subject: int, sequence: str, camera: str, number: str) -> str:
    """An image's path from the root."""
    return f"images/subject_{subject}/{sequence}/cam{camera}/image{number}.jpg"


def key_points_name(subject: int, number: str) -> str:
    """The path from the root to a frame's key points."""
    return f"annotations/keypoints/subject_{subject}/keypoints{int(number):04d}.pts"


def depth_map_name(subject: int, camera: str, number: str) -> str:
    """A depth map's path from the root."""
    return f"annotations/depthmaps/subject_{subject}/{int(number):06d}/depthmap{camera}.pkl"


def scans_name(subject: int) -> str:
    """The path from the root to the folder of a subject's 3D scans."""
    return f"annotations/3D_scans_decimated/subject_{subject}"


class _Finder:
    """Looks through a release and notes the stamp of all that it looked at: while those stay, so does the index."""

    def __init__(self, root: Path, cameras: frozenset[str]) -> None:
        self.stamps = {_CALIBRATION: stamp(root / _CALIBRATION)}
        self._root, self._cameras = root, cameras
        self._listed: dict[str, dict[str, None]] = {}
        self._unnamed = self._unlabelled = self._uncalibrated = self._without_depth = 0

    def find(self) -> StudioIndex:
        """Frame by frame, in order."""
        subjects = sorted(int(found[1]) for name in self._names("images") if (found := re.fullmatch(r"subject_(0|[1-9][0-9]{0,8})", name)))
        frames = tuple(
            frame
            for subject in subjects
            for sequence in self._names(f"images/subject_{subject}")
            for frame in self._frames(subject, sequence)
        )
        return StudioIndex(frames, Missing(self._unnamed, self._unlabelled, self._uncalibrated, self._without_depth))

    def _frames(self, subject: int, sequence: str) -> list[StudioFrame]:
        views, sides = self._views(f"images/subject_{subject}/{sequence}"), sides_of_sequence(subject, sequence)
        self._unnamed += bool(views) and not sides
        frames: list[StudioFrame] = []
        for number, cameras in sorted(views.items(), key=lambda view: int(view[0])):
            if not self._exists(key_points_name(subject, number)):
                self._unlabelled += 1
                continue
            deep = tuple(camera for camera in cameras if self._exists(depth_map_name(subject, camera, number)))
            self._without_depth += len(cameras) - len(deep)
            frames.append(StudioFrame(subject, sequence, number, sides, tuple(cameras), deep))
        return frames

    def _views(self, folder: str) -> dict[str, list[str]]:
        """Of each frame of a sequence the calibrated cameras that took an image."""
        views: dict[str, list[str]] = {}
        for camera in (name.removeprefix("cam") for name in self._names(folder) if name.startswith("cam")):
            images = self._names(f"{folder}/cam{camera}")
            numbers = [found[1] for name in images if (found := re.fullmatch(r"image([0-9]{1,9})\.jpg", name))]
            if camera not in self._cameras:
                self._uncalibrated += len(numbers)
                continue
            for number in numbers:
                views.setdefault(number, []).append(camera)
        return views

    def _exists(self, name: str) -> bool:
        folder, _, file = name.rpartition("/")
        return file in self._names(folder)

    def _names(self, folder: str) -> dict[str, None]:
        """What lies in a folder, sorted; nothing where there is none."""
        if folder not in self._listed:
            self.stamps[folder] = stamp(self._root / folder)  # before listing, so that a change meanwhile is one
            self._listed[folder] = dict.fromkeys(_list(self._root / folder))
        return self._listed[folder]


def _list(folder: Path) -> list[str]:
    """What lies in a folder, sorted; nothing where there is none."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ValueError(f"{folder}: cannot be read ({error.strerror or error}); check its permissions") from error


def _read_cache(root: Path, cache: Path) -> StudioIndex | None:
    """The cached index; None where there is none, or none that still holds."""
    try:
        document = json.loads(cache.read_text(encoding="utf-8"))
        if document["schema"] != _CACHE_SCHEMA or any(stamp(root / name) != noted for name, noted in document["stamps"].items()):
            return None
        frames = tuple(StudioFrame(**{name: _frozen(value) for name, value in frame.items()}) for frame in document["frames"])
        return StudioIndex(frames, Missing(**document["missing"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # none, or damaged: it is made anew
        return None


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
