"""One running demo for all tests that need one."""

from collections.abc import Iterator

import pytest

from demo.server import Settings, serving


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """A demo with the real pipeline, on a port of its own."""
    with serving(Settings(largest_upload=2_000_000)) as running:
        yield running
