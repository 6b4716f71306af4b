"""python -m demo through its real main, as far as it goes without starting."""

import socket

import pytest

from demo.__main__ import main


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for option in ("--host", "--port", "--share", "--decoder", "--detector-model"):
        assert option in shown
    assert "not shared" in shown


@pytest.mark.parametrize(
    "arguments", [["--port", "70000"], ["--port", "0"], ["--port", "many"], ["--hosts", "x"], ["--host", "no.such.host.", "--port", "80"]]
)
def test_wrong_usage_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr().err.strip().splitlines()
    assert len(shown) == 1
    assert shown[0].startswith("error: ")


def test_a_port_that_is_taken_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 2
    assert "choose another --port" in capsys.readouterr().err


def test_a_decoder_that_is_none_is_said(capsys: pytest.CaptureFixture[str], tmp_path) -> None:
    assert main(["--decoder", str(tmp_path / "none.safetensors")]) == 2
    assert "none.safetensors" in capsys.readouterr().err
