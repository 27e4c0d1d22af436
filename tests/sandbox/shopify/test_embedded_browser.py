"""An embedded app in a real browser: the admin's frame opens it and hands it session tokens."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from salestio.devservices import free_port

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[3]
SECRET = "a client secret of the length that signing asks for"
APP = """<!doctype html><html><head><title>Stock</title>
<script src="{sandbox}/shopify/app-bridge.js" data-api-key="app"></script></head>
<body><ui-nav-menu><a href="/shopify/app">Home</a><a href="/shopify/app/stock">Stock</a></ui-nav-menu>
<h1 id="heading">loading</h1>
<script>fetch("/shopify/app/check").then((a) => a.text()).then((t) => {{
  document.getElementById("heading").textContent = t; shopify.toast.show("Saved");
}});</script></body></html>"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A sandbox of its own whose app is a page of this test; gives its address and the app's sign-in headers."""
    sandbox, seen = f"http://127.0.0.1:{free_port()}", []

    class App(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the server's own name
            if self.path.startswith("/shopify/app/check"):
                seen.append(self.headers.get("Authorization", ""))
                body = b"signed in"
            else:
                body = APP.format(sandbox=sandbox).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), App)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    names = ("client_id", "client_secret", "application_id", "aws_access_key_id", "aws_secret_access_key")
    credentials = tmp_path / "credentials.json"
    shopify = {"client_id": "app", "client_secret": SECRET}
    credentials.write_text(json.dumps({"amazon": dict.fromkeys(names, "x" * 40), "shopify": shopify}))
    command = [sys.executable, "-m", "connectors.sandbox", "--port", sandbox.rpartition(":")[2], "--no-traffic"]
    command += ["--data", str(tmp_path / "data"), "--credentials", str(credentials)]
    process = subprocess.Popen([*command, "--web", f"http://127.0.0.1:{server.server_address[1]}"], cwd=ROOT)
    try:
        _ready(sandbox, process)
        yield sandbox, seen
    finally:
        process.terminate()
        process.wait(10)
        server.shutdown()
        server.server_close()


def _ready(sandbox: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            requests.get(f"{sandbox}/_control/endpoints", timeout=5).raise_for_status()
            return
        except requests.ConnectionError:
            assert process.poll() is None, "the sandbox ended"
            assert time.monotonic() < end, "the sandbox did not start"
            time.sleep(0.1)


def test_the_frame_hands_out_session_tokens_and_shows_the_apps_navigation_and_toast(
    world: tuple[str, list[str]],
) -> None:
    from playwright.sync_api import expect, sync_playwright

    sandbox, seen = world
    program = os.environ.get("SALESTIO_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{sandbox}/shopify/northpine-supply.myshopify.com/admin/apps/salestio")
        expect(page.frame_locator("iframe").get_by_role("heading", name="signed in")).to_be_visible()
        expect(page.get_by_role("status")).to_have_text("Saved")
        page.get_by_role("navigation").get_by_role("link", name="Stock").click()
        expect(page.get_by_role("navigation").get_by_role("link", name="Stock")).to_have_attribute(
            "aria-current", "page"
        )
        browser.close()
    claims = jwt.decode(seen[0].removeprefix("Bearer "), SECRET, algorithms=["HS256"], audience="app")
    assert claims["dest"] == "https://northpine-supply.myshopify.com"
