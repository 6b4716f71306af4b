"""The two ends of a pipeline: order, bounds, errors, and stopping early."""

from collections.abc import Iterator

import pytest

from estimator.background import Ahead, Behind


def test_ahead_gives_all_in_order() -> None:
    with Ahead(iter(range(50)), 3) as items:
        assert list(items) == list(range(50))


def test_ahead_makes_no_more_than_is_waited_for() -> None:
    made = []

    def items() -> Iterator[int]:
        for i in range(1000):
            made.append(i)
            yield i

    with Ahead(items(), 3) as ahead:
        assert next(iter(ahead)) == 0
    assert len(made) < 10


def test_ahead_hands_on_what_goes_wrong_after_what_went_well() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    seen = []
    with Ahead(items(), 3) as ahead, pytest.raises(ValueError, match="broken"):
        seen.extend(ahead)
    assert seen == [] or seen == [1]


def test_behind_works_off_all_in_order() -> None:
    done: list[int] = []
    with Behind(done.append, 2) as behind:
        for i in range(50):
            behind.put(i)
        behind.finish()
    assert done == list(range(50))


def test_behind_hands_on_what_goes_wrong() -> None:
    def work(item: int) -> None:
        if item == 3:
            raise ValueError("broken")

    def put_all(behind: Behind[int]) -> None:
        for i in range(100):
            behind.put(i)
        behind.finish()

    with Behind(work, 2) as behind, pytest.raises(ValueError, match="broken"):
        put_all(behind)


def test_behind_can_be_left() -> None:
    done: list[int] = []
    with Behind(done.append, 100) as behind:
        behind.put(1)
    assert done in ([], [1])
