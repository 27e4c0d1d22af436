"""Fixtures of the connectors' tests: a small server that answers as it is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors import http
from tests.connectors.contract import everything_logged as everything_logged
from tests.connectors.wire import Wire


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A local HTTP server that answers with what the test gives it and keeps what it was asked."""
    server = Wire()
    yield server
    server.close()


@pytest.fixture
def observed() -> Iterator[list[tuple[str, str, str]]]:
    """The (platform, operation, status) of every call made meanwhile."""
    seen: list[tuple[str, str, str]] = []

    def observe(platform: str, operation: str, status: str, seconds: float) -> None:
        assert seconds >= 0
        seen.append((platform, operation, status))

    http.observers.append(observe)
    yield seen
    http.observers.remove(observe)
