"""The door: what every request passes before Gradio sees it. Only the addresses that the page and its clients need exist.

Gradio serves more than this application offers (it fetches foreign addresses for visitors, edits pages, keeps histories), and it
stores uploads under a hash of their content, so that two visitors with one photograph would share, and delete, one file. Here
uploads are received by ourselves, each into a folder of its own, and end when they grow too large.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from anyio.to_thread import run_sync
from starlette.datastructures import MutableHeaders, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.visitor_files import VisitorFiles
from estimator.errors import InputError

LARGEST_UPLOAD = 100 * 2**20
_LARGEST_JSON = 2**20
_MOST_FILES = 20

_FILE = "/gradio_api/file="
_PAGES = re.compile(
    r"/|/config/?|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/assets/[\w./-]+|/static/[\w./-]+"
    r"|/gradio_api/(info/?|startup-events|app_id|theme\.css|queue/data|heartbeat/\w+|call/\w+/\w+)"
)
_CALLS = re.compile(r"/gradio_api/(queue/join|call/(v2/)?\w+|cancel|reset)/?")
_UPLOAD = re.compile(r"/gradio_api/upload/?")
_UPLOAD_PROGRESS = "/gradio_api/upload_progress"
"""Where the page asks how far its upload is, which is Gradio's to know and not ours: it is answered that nothing more will be told."""

_FORM = re.compile(r"multipart/form-data\s*;.*boundary=.", re.IGNORECASE)

_HEADERS = {
    # Nothing of the page comes from, or goes to, another host. Gradio compiles its templates and components' scripts in the browser.
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; base-uri 'self'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Door:
    """ASGI middleware.

    Args:
        app: what is behind the door.
        files: where uploads go, and all that is served.
        largest_upload: bytes of one request that uploads.
    """

    def __init__(self, app: ASGIApp, files: VisitorFiles, largest_upload: int = LARGEST_UPLOAD) -> None:
        self.app, self.files, self.largest_upload = app, files, largest_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, _with_headers(send))

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        refusal: Response | None = None
        if method == "POST" and _UPLOAD.fullmatch(path):
            refusal = await self._upload(Request(scope, _limited(receive, self.largest_upload)))
        elif method == "POST" and _CALLS.fullmatch(path):
            body = await _body(receive)
            refusal = self._objection(body)
            receive = _replayed(body or b"", receive)
        elif method == "GET" and path == _UPLOAD_PROGRESS:
            refusal = Response('data: {"msg": "done"}\n\n', media_type="text/event-stream")
        elif method not in ("GET", "HEAD") or not (_PAGES.fullmatch(path) or self._is_served(path)):
            refusal = PlainTextResponse("There is nothing here.", 404)
        await (refusal or self.app)(scope, receive, send)

    def _is_served(self, path: str) -> bool:
        return path.startswith(_FILE) and self._is_ours(path.removeprefix(_FILE))

    def _is_ours(self, name: str) -> bool:
        """Whether a path names a file in a folder of ours."""
        try:
            path = Path(name).resolve()
        except (OSError, ValueError):
            return False
        return Path(name).is_absolute() and self.files.shared in path.parents

    def _objection(self, body: bytes | None) -> Response | None:
        """Why a call is refused: too large, no JSON, or it names a file that was not uploaded here."""
        if body is None:
            return PlainTextResponse("The request is too large; upload files instead of sending them inside.", 413)
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return PlainTextResponse("The request is no JSON.", 400)
        if not all(self._is_ours(path) for path in _paths(document)):
            return PlainTextResponse("Files have to be uploaded: neither paths nor addresses of other places are opened.", 403)
        return None

    async def _upload(self, request: Request) -> Response:
        """Receive files; their paths, in the order and form in which Gradio gives them."""
        if not _FORM.match(request.headers.get("content-type", "")):
            return PlainTextResponse("An upload is multipart/form-data with a boundary.", 400)
        try:
            async with request.form(max_files=_MOST_FILES, max_fields=_MOST_FILES) as form:
                uploads = [value for value in form.getlist("files") if isinstance(value, UploadFile)]
                paths = [await run_sync(self._store, upload) for upload in uploads]
        except _TooLargeError:
            return PlainTextResponse(f"The upload is larger than {self.largest_upload // 2**20} MB.", 413)
        except InputError as error:
            return PlainTextResponse(str(error), 507)
        except (MultiPartException, HTTPException):
            return PlainTextResponse("The upload cannot be read, or holds too many files.", 400)
        except ClientDisconnect:
            return Response(status_code=400)
        return JSONResponse([str(path) for path in paths])

    def _store(self, upload: UploadFile) -> Path:
        path = self.files.upload_path(upload.filename or "file")
        with path.open("xb") as file:
            shutil.copyfileobj(upload.file, file)
        return path


class _TooLargeError(Exception):
    """A body that has grown beyond what it may."""


def _paths(document: object) -> Iterator[str]:
    """Every file that a call names, however deep."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from (text for key, text in value.items() if key == "path" and isinstance(text, str))
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _limited(receive: Receive, largest: int) -> Receive:
    """A body that ends with an error when it grows too large."""
    received = 0

    async def receive_some() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > largest:
            raise _TooLargeError
        return message

    return receive_some


async def _body(receive: Receive) -> bytes | None:
    """All of a small body; None where it is too large."""
    parts, more = bytearray(), True
    limited = _limited(receive, _LARGEST_JSON)
    try:
        while more:
            message = await limited()
            parts += message.get("body", b"")
            more = message["type"] == "http.request" and message.get("more_body", False)
    except _TooLargeError:
        return None
    return bytes(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A body that was read already, then whatever follows."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
        await send(message)

    return send_with_headers
