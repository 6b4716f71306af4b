"""The OpenGL overlay covers the pixels that ours does; without pyrender it says how to get it."""

import ctypes
import os
import sys

import numpy as np
import pytest

from estimator.errors import InputError
from estimator.render import render_overlay
from estimator.render_pyrender import render_pyrender
from tests.toys import toy_placed_hand

PHOTOGRAPH = np.full((480, 640, 3), 40, dtype=np.uint8)


def require_opengl() -> None:
    """Skips where pyrender is not installed or the system has no EGL; anything else that fails is a failure."""
    pytest.importorskip("pyrender", reason="pyrender is not installed")
    try:
        ctypes.CDLL("libEGL.so.1")
    except OSError as error:
        pytest.skip(f"no EGL here: {error}")


def test_covers_the_pixels_of_the_software_renderer() -> None:
    require_opengl()
    hands = [toy_placed_hand()]
    ours, theirs = ((render(PHOTOGRAPH, hands) != PHOTOGRAPH).any(axis=2) for render in (render_overlay, render_pyrender))
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.97


def test_without_hands_it_is_a_copy() -> None:
    np.testing.assert_array_equal(render_pyrender(PHOTOGRAPH, []), PHOTOGRAPH)


def test_a_missing_package_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrender", None)
    with pytest.raises(InputError, match=r'pip install "\.\[pyrender\]"'):
        render_pyrender(PHOTOGRAPH, [toy_placed_hand()])


@pytest.mark.parametrize(("system", "asked_for"), [("linux", "egl"), ("darwin", None), ("win32", None)])
def test_opengl_without_a_screen_is_asked_for_where_there_is_such_a_thing(
    system: str, asked_for: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyrender", None)
    monkeypatch.setattr(sys, "platform", system)
    for name in ("DISPLAY", "PYOPENGL_PLATFORM"):
        monkeypatch.setenv(name, "")  # so that it is put back as it was
        monkeypatch.delenv(name)
    with pytest.raises(InputError):
        render_pyrender(PHOTOGRAPH, [toy_placed_hand()])
    assert os.environ.get("PYOPENGL_PLATFORM") == asked_for
