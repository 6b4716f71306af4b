"""Twenty visitors at once: nothing is lost, nothing is mixed up, memory does not grow. ``python -m demo.load_test`` asks more of it."""

import os

from demo.load_test import resident_mb, run_load


def test_everybody_gets_his_own_answer(address: str) -> None:
    run_load(address, visitors=1, requests=2)
    before = resident_mb(os.getpid())
    report = run_load(address, visitors=20, requests=40, photograph_share=0.3)
    assert report.faults == []
    assert report.right == 40
    assert not resident_mb(os.getpid()) > before + 400
