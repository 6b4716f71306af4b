"""Moments of a release to test on, from a folder written here."""

from pathlib import Path

import igl
import numpy as np
import pytest

from datasets.virtual_studio.studio_moments import HAS_KEY_POINT
from decoder_pretrain.moments import moments_of
from estimator.errors import InputError
from estimator.learning import index_place
from tests.datasets import test_capture_studio_samples as releases
from tests.datasets.test_capture_studio import CAMERAS, depth_of, image_of, key_points_of, write_cameras, write_depth, write_image

ROM = {"RT_ROM": 5, "RT_fist": 6}
FACES = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])


def scan_of(frame: int) -> np.ndarray:
    return np.eye(4, 3) * 40.0 + frame


@pytest.fixture
def release(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    write_cameras(root / "annotations/KRT_512", distortion=[0.0] * 5)
    (root / "annotations/3D_scans_decimated/subject_4").mkdir(parents=True)
    for sequence, frame in ROM.items():
        file = key_points_of(root, frame)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{row} {' '.join(map(str, releases.JOINTS[row]))} 9.5 9\n" for row in range(21)))
        for name in CAMERAS:
            write_depth(depth_of(root, name, frame), np.full((512, 334), 900.0))
            write_image(image_of(root, sequence, name, frame))
        igl.write_triangle_mesh(str(root / f"annotations/3D_scans_decimated/subject_4/{frame:06d}.ply"), scan_of(frame), FACES)
    return root


@pytest.mark.parametrize(("split", "sequence"), [("test", "RT_ROM"), ("training", "RT_fist")])
def test_what_is_left_out_of_training_is_tested_on(release: Path, split: str, sequence: str) -> None:
    (moment,) = moments_of(str(release), 4, split, 64, 10)
    assert moment.motion == sequence
    assert moment.image.shape == (64, 64, 3)
    np.testing.assert_array_equal(moment.valid, HAS_KEY_POINT)
    np.testing.assert_allclose(moment.scan.vertices, scan_of(ROM[sequence]), atol=1e-3)
    np.testing.assert_allclose(moment.joints[moment.valid].mean(axis=0), releases.JOINTS[:21].mean(axis=0), atol=1e-3)


def test_a_moment_without_a_scan_is_named(release: Path) -> None:
    moments = moments_of(str(release), 4, "test", 64, 10)
    next((release / "annotations/3D_scans_decimated/subject_4").glob("*5.ply")).unlink()
    with pytest.raises(InputError, match="no 3D scan of frame 5"):
        moments[0]


def test_a_release_that_cannot_be_written_to_is_indexed_in_the_users_cache(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPHANDMESH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(index_place.os, "access", lambda *_: False)
    assert len(moments_of(str(release), 4, "test", 64, 10)) == 1
    assert len(list((tmp_path / "cache").iterdir())) == 1
    assert sorted(path.name for path in release.iterdir()) == ["annotations", "images"]


def test_nobody_and_nowhere_are_refused_in_one_line(release: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no hand of subject 3 that can be used"):
        moments_of(str(release), 3, "test", 64, 10)
    with pytest.raises(InputError, match="no such folder"):
        moments_of(str(tmp_path / "nowhere"), 4, "test", 64, 10)
    with pytest.raises(InputError, match="no such simulated subject"):
        moments_of("virtual:9", 4, "test", 64, 10)
