"""Kernels compute what their Python does; threads do every piece once and hand on errors."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from estimator.hand.compiled import compile_count, compiled, in_threads


def test_a_kernel_computes_what_its_python_does() -> None:
    def add_up(count):
        total = 0.0
        for i in range(count):
            total += 1 / (i + 1)
        return total

    assert compiled(add_up)(50) == pytest.approx(add_up(50))


def test_a_new_kernel_is_compiled_at_its_first_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a later process finds it in the cache: its file, imported again, is as good as a process."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    (tmp_path / "source.py").write_text("def double(x):\n    return 2 * x\n")

    def imported():
        spec = spec_from_file_location("source", tmp_path / "source.py")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return compiled(module.double)

    first, second = imported(), imported()
    assert compile_count(first) == 0
    assert first(21) == second(21) == 42
    assert compile_count(first) == 1
    assert compile_count(second) == 0


@pytest.mark.parametrize("count", [0, 1, 2, 37])
def test_every_piece_is_done_once(count: int) -> None:
    done: list[int] = []
    in_threads(done.append, range(count))
    assert sorted(done) == list(range(count))


def test_an_error_in_a_thread_reaches_the_caller() -> None:
    def fail(piece: int) -> None:
        if piece == 3:
            raise ValueError("piece 3")

    with pytest.raises(ValueError, match="piece 3"):
        in_threads(fail, range(8))
