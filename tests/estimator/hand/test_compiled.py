"""Kernels compute what their Python does; threads do every piece once and hand on errors."""

import pytest

from estimator.hand.compiled import compiled, in_threads


def test_a_kernel_computes_what_its_python_does() -> None:
    def add_up(count):
        total = 0.0
        for i in range(count):
            total += 1 / (i + 1)
        return total

    assert compiled(add_up)(50) == pytest.approx(add_up(50))


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
