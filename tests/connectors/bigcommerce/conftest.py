"""Fixtures of the BigCommerce tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors import http
from connectors.bigcommerce.connector import BigCommerce
from tests.connectors.bigcommerce import judge
from tests.connectors.bigcommerce.cast import store_at
from tests.connectors.wire import Wire


@pytest.fixture(autouse=True)
def nobody_else_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other parts of the product may watch all calls (metrics keep them in the database): not those of these tests."""
    monkeypatch.setattr(http, "observers", [])


@pytest.fixture(autouse=True)
def every_call_fits_the_contract(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hold every request that leaves a test, and every good answer, to BigCommerce's files, where they are at hand.

    Tests that ask for `odd_answers` read answers that are wrong on purpose.
    """
    requests: list[tuple[str, str, bytes | None]] = []
    answers: list[tuple[str, str, int, bytes]] = []
    send = http.Caller._send

    def keep(self: http.Caller, operation: str, asked: Any, *rest: Any) -> http.Reply:
        prepared = asked.prepare()
        if "/stores/" in prepared.url:
            requests.append((prepared.method, prepared.url, prepared.body))
        reply = send(self, operation, asked, *rest)
        if "/stores/" in prepared.url:
            answers.append((prepared.method, prepared.url, reply.status, reply.body))
        return reply

    monkeypatch.setattr(http.Caller, "_send", keep)
    yield
    folder = Path(os.environ.get("SALESTIO_SPECS") or "nowhere")
    if folder.is_dir():
        for one in requests:
            judge.check_request(folder, *one)
        if "odd_answers" not in request.fixturenames:
            for answered in answers:
                judge.check_answer(folder, *answered)


@pytest.fixture
def odd_answers() -> None:
    """The answers of this test are wrong on purpose."""


@pytest.fixture
def store(wire: Wire) -> BigCommerce:
    """A connector whose store is the test's own server."""
    return store_at(wire.url)
