"""Several visitors at once: nothing is lost, nothing is mixed up, memory does not grow. ``python -m demo.load_test`` asks more of it."""

import os
from pathlib import Path

from demo import slider_test
from demo.load import Load
from demo.load_questions import Answer
from demo.load_test import Memory, main
from demo.other_process import cpu_seconds, forget_peak, peak_resident_mb, resident_mb


def test_everybody_gets_his_own_answer(address: str, tmp_path: Path) -> None:
    load = Load(address, tmp_path)
    forget_peak(os.getpid())
    before = resident_mb(os.getpid())
    report = load.run(visitors=6, requests=12, photograph_share=0.3)
    assert report.faults == []
    assert report.right == 12
    assert min(map(len, report.seconds.values())) > 0
    assert not peak_resident_mb(os.getpid()) > before + 400


def test_another_visitors_answer_is_a_fault() -> None:
    mine = Answer(("a.zip", "right"), (184.2, 348.7))
    assert not mine.fault(Answer(("a.zip", "right"), (184.2, 348.71)))
    for other in (Answer(("b.zip", "right"), (184.2, 348.7)), Answer(("a.zip", "right"), (184.2, 349.7)), Answer(("a.zip", "right"))):
        assert "instead of" in mine.fault(other)


def test_memory_has_a_bound() -> None:
    assert not Memory(1000, 1400, 1400).fault()
    assert "600 MiB" in Memory(1000, 1600, 1000).fault()
    assert not Memory(float("nan"), float("nan"), float("nan")).fault()


def test_processes_that_are_gone_use_nothing_known() -> None:
    assert all(value != value for value in (resident_mb(2**30), peak_resident_mb(2**30), cpu_seconds(2**30)))


def test_wrong_usage_is_one_line(capsys) -> None:
    for arguments in (["--visitors", "0"], ["--photograph-share", "2"], ["--address", "http://127.0.0.1:9/"]):
        assert main(arguments) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert slider_test.main(["--movements", "0"]) == 2
