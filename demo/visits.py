"""What tabs need to know of a visit: whose it is, and how to refuse something in words that its visitor reads."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from estimator.errors import InputError

_FOLDERS = re.compile(r"(?<![\w/.:])/(?:[^\s/]+/)+")
_OPTIONS = re.compile(r"--([a-z]+(?:-[a-z]+)*)")
"""Fields of the page are called options at a command line."""


def visitor_of(request: gr.Request | None) -> str | None:
    """The session that a request belongs to."""
    return request and request.session_hash


@contextmanager
def refused_politely() -> Iterator[None]:
    """An ``InputError`` becomes a message on the page, and to clients of the API; no path of the server is in it.

    Raises:
        gradio.Error: instead.
    """
    try:
        yield
    except InputError as error:
        message = _OPTIONS.sub(lambda option: option[1].replace("-", " "), _FOLDERS.sub("", str(error)))
        if not message.split()[0].endswith(":"):  # a file's name stays as it is
            message = message[:1].upper() + message[1:]
        raise gr.Error(message, title="That did not work", duration=None, print_exception=False) from error
