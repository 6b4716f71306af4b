"""The door before Gradio: what it lets through, what it refuses, and how it receives uploads."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from demo.door import Door
from demo.visitor_files import VisitorFiles

LARGEST = 10_000


@pytest.fixture
def files(tmp_path: Path) -> VisitorFiles:
    return VisitorFiles(tmp_path)


@pytest.fixture
def client(files: VisitorFiles) -> TestClient:
    async def reached(request: Request) -> PlainTextResponse:
        return PlainTextResponse("reached " + (await request.body()).decode())

    inside = Starlette(routes=[Route("/{path:path}", reached, methods=["GET", "POST", "HEAD", "PUT", "DELETE"])])
    return TestClient(Door(inside, files, largest_upload=LARGEST), raise_server_exceptions=False)


PAGE = ("/", "/config", "/assets/index-Df_1.js", "/theme.css?v=1")
API = ("/gradio_api/info", "/gradio_api/queue/data?session_hash=a", "/gradio_api/heartbeat/abc1")


@pytest.mark.parametrize("path", PAGE + API)
def test_what_the_page_needs_passes(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.text == "reached "
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/proxy=https://example.org/x"),
        ("GET", "/gradio_api/file=https://example.org/x"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/file=demo/app.py"),
        ("GET", "/gradio_api/file/etc/passwd"),
        ("GET", "/monitoring"),
        ("GET", "/gradio_api/runs"),
        ("GET", "/docs"),
        ("POST", "/gradio_api/vibe-edit/"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/run/predict"),
        ("POST", "/gradio_api/component_server"),
        ("PUT", "/gradio_api/queue/join"),
        ("POST", "/"),
    ],
)
def test_the_rest_does_not_exist(client: TestClient, method: str, path: str) -> None:
    assert client.request(method, path, content=b"{}").status_code == 404


def test_files_of_ours_are_served_and_detours_are_not(client: TestClient, files: VisitorFiles) -> None:
    folder = files.new_folder("ann")
    assert client.get(f"/gradio_api/file={folder}/hands.zip").text == "reached "
    assert client.get(f"/gradio_api/file={folder}/../../../etc/passwd").status_code == 404
    (folder / "link").symlink_to("/etc/passwd")
    assert client.get(f"/gradio_api/file={folder}/link").status_code == 404


def test_calls_pass_with_their_body(client: TestClient, files: VisitorFiles) -> None:
    body = f'{{"data": [{{"path": "{files.new_folder()}/photo.jpg"}}, 3]}}'
    for path in ("/gradio_api/queue/join", "/gradio_api/call/image", "/gradio_api/call/v2/image"):
        assert client.post(path, content=body).text == "reached " + body


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "https://example.org/a.jpg", "file:///etc/passwd", "photo.jpg", "", "\\u0000", "/gradio_api/file=/etc/passwd"]
)
def test_calls_that_name_other_files_are_refused(client: TestClient, path: str) -> None:
    for body in (f'{{"data": [{{"path": "{path}"}}]}}', f'{{"data": [[{{"video": {{"a": 1, "path": "{path}"}}}}]]}}'):
        response = client.post("/gradio_api/queue/join", content=body)
        assert response.status_code == 403
        assert "uploaded" in response.text


def test_bodies_that_are_no_calls_are_refused(client: TestClient) -> None:
    assert client.post("/gradio_api/queue/join", content=b"[" * 500_000).status_code == 400
    assert client.post("/gradio_api/queue/join", content=b"\xff").status_code == 400
    assert client.post("/gradio_api/queue/join", content=b'"' + b"a" * 2**21 + b'"').status_code == 413


def test_uploads_keep_their_content_and_lose_their_folders(client: TestClient, files: VisitorFiles) -> None:
    content = bytes(range(256))
    response = client.post("/gradio_api/upload", files=[("files", ("../../a.jpg", content)), ("files", ("a.jpg", content))])
    first, second = map(Path, response.json())
    assert first != second
    for path in (first, second):
        assert path.read_bytes() == content
        assert (path.name, path.parent.parent) == ("a.jpg", files.root)
        assert files.adopt(path, "ann") == path


def test_large_uploads_end_early_and_leave_nothing(client: TestClient, files: VisitorFiles) -> None:
    response = client.post("/gradio_api/upload", files={"files": ("a.jpg", bytes(LARGEST + 1))})
    assert response.status_code == 413
    assert "larger than" in response.text
    assert files.total_bytes() == 0


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "multipart/form-data; boundary=x"])
def test_what_is_no_upload_is_refused(client: TestClient, content_type: str) -> None:
    response = client.post("/gradio_api/upload", content=b"{}", headers={"Content-Type": content_type})
    assert response.status_code in (200, 400)
    assert response.status_code == 400 or response.json() == []
