"""A real browser on the real pages: chromium from SALESTIO_CHROMIUM or the PATH, the pages from a live server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.orders.conftest import start, world

__all__ = ["start", "world"]


@pytest.fixture(scope="module")
def live_server() -> Iterator[Any]:
    """Our pages at the address the sandbox knows us by: its control panels open us in a frame there.

    It ends with the file, because the sandbox's own tests listen at this address too.
    """
    from tests.live import serve

    server = serve(urlsplit(os.environ["SALESTIO_WEB_URL"]).netloc)
    yield server
    server.stop()


@pytest.fixture
def chromium() -> str:
    """The browser's program. Without one these tests fail: `./run test` leaves them out, `./run test --all` needs it."""
    found = (
        os.environ.get("SALESTIO_CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    assert found, "no chromium: set SALESTIO_CHROMIUM or put one on the PATH"
    return found


@pytest.fixture
def browser(chromium: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A browser that has no way out of this machine."""
    from playwright.sync_api import sync_playwright

    # Playwright runs a loop in this thread; the test's own database work beside it is not asynchronous.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as player:
        running = player.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Any, live_server: Any) -> Iterator[Any]:
    """A function that opens a page signed in as a user: `open_page(user, "/orders/", width=390)`; errors fail the test."""
    from django.test import Client

    troubles: list[str] = []

    def go(user: Any, path: str, *, width: int = 1440, dark: bool = False) -> Any:
        client = Client()
        client.force_login(user)
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
        )
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
        page.goto(live_server.url + path)
        return page

    yield go
    assert troubles == []
