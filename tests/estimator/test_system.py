"""Missing system libraries are named with their cure; native messages stay away."""

import os

import pytest

from estimator.system import (
    COMPARISON_LIBRARIES,
    SYSTEM_LIBRARIES,
    SystemLibrary,
    explain_missing_library,
    install_command,
    main,
    missing_libraries,
    native_messages_dropped,
)

ALL = [library.file_name for library in (*SYSTEM_LIBRARIES, *COMPARISON_LIBRARIES)]


@pytest.mark.parametrize("name", ALL)
def test_every_library_is_named_with_a_command(name: str) -> None:
    explanation = explain_missing_library(OSError(f"{name}: cannot open shared object file: No such file or directory"))
    assert name in explanation
    assert "install -y" in explanation
    assert "\n" not in explanation


def test_an_unknown_library_is_named_without_a_guess() -> None:
    explanation = explain_missing_library(ImportError("libstrange.so.7: cannot open shared object file: No such file"))
    assert "libstrange.so.7" in explanation
    assert "install -y" not in explanation


def test_another_error_is_told_in_one_line() -> None:
    assert explain_missing_library(ImportError("No module\nnamed 'mediapipe'")) == "cannot be loaded: No module named 'mediapipe'"


@pytest.mark.parametrize(
    ("os_release", "tools"),
    [
        ({"ID": "debian"}, {"apt-get"}),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, {"apt-get"}),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, {"dnf"}),
        ({}, {"apt-get", "dnf"}),
    ],
)
def test_the_command_is_the_systems_own(os_release: dict[str, str], tools: set[str]) -> None:
    command = install_command(ALL, os_release)
    assert {tool for tool in ("apt-get", "dnf") if tool in command} == tools
    assert command.count("libglib2.0-0") == ("apt-get" in tools)


def test_a_library_that_is_nowhere_is_missing_and_libc_is_not() -> None:
    nowhere, libc = SystemLibrary("libnowhere.so.1", "x", "x"), SystemLibrary("libc.so.6", "x", "x")
    if os.uname().sysname != "Linux":
        pytest.skip("shared libraries are only looked for on Linux")
    assert missing_libraries([nowhere, libc]) == ["libnowhere.so.1"]


def test_the_check_ends_with_2_and_the_cure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("estimator.system.missing_libraries", lambda: ["libxcb.so.1", "libGL.so.1"])
    assert main() == 2
    message = capsys.readouterr().err
    assert "libxcb.so.1, libGL.so.1" in message
    assert message.count("\n") == 1
    monkeypatch.setattr("estimator.system.missing_libraries", list)
    assert main() == 0
    assert capsys.readouterr().err == ""


def test_native_messages_are_dropped_and_later_ones_are_not(capfd: pytest.CaptureFixture[str]) -> None:
    with native_messages_dropped():
        os.write(2, b"noise\n")
    os.write(2, b"message\n")
    assert capfd.readouterr().err == "message\n"


def test_native_messages_come_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError), native_messages_dropped():
        raise RuntimeError
    os.write(2, b"message\n")
    assert capfd.readouterr().err == "message\n"
