"""The process itself: survives kill -9, refuses production, streams orders, delivers webhooks."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.sandbox import catalog
from connectors.sandbox.platforms import FOLDERS
from connectors.sandbox.traffic import STARTING_SET
from salestio.devservices import free_port
from tests.conftest import ROOT
from tests.environment import RUN
from tests.sandbox.process import Process

SHOP = "northpine-supply.myshopify.com"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Process]:
    made = Process(tmp_path / "data", "--no-traffic")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()


def test_what_was_answered_is_there_after_kill_9(own: Process) -> None:
    own.start()
    known = own.control("GET", "/endpoints")
    seller = "/accounts/amazon/A1NORTHPINEUS/orders"
    ids = own.control("POST", seller, {"lines": [{"sku": "NP-WHS-1", "quantity": 2}], "count": 30})["ids"]
    own.control("PATCH", f"{seller}/{ids[0]}", {"status": "shipped"})
    own.control("POST", "/faults", {"platform": "amazon", "kind": "slow", "count": 3})
    own.control("POST", "/limits", {"platform": "amazon", "profile": "real"})
    own.control("PUT", f"/stores/{SHOP}/variants?sku=NP-WHS-1", {"available": 7})
    before = own.control("GET", "/accounts/amazon/A1NORTHPINEUS/listings?sku=NP-WHS-1")

    own.kill()
    own.start()

    results = own.control("GET", seller)["results"]
    assert {row["id"] for row in results} == set(ids)
    assert own.control("GET", f"{seller}/{ids[0]}")["status"] == "shipped"
    assert own.control("GET", "/endpoints")["clients"]["amazon"] == known["clients"]["amazon"]
    assert [fault["kind"] for fault in own.control("GET", "/faults")] == ["slow"]
    assert own.control("GET", "/limits")["amazon"]["profile"] == "real"
    assert own.control("GET", "/accounts/amazon/A1NORTHPINEUS/listings?sku=NP-WHS-1") == before
    variant = own.control("GET", f"/stores/{SHOP}/variants?sku=NP-WHS-1")["results"][0]
    assert variant["locations"][0]["available"] == 7


def test_a_kill_in_the_middle_of_placing_loses_no_answered_order(own: Process) -> None:
    own.start()
    answered: list[str] = []

    def place() -> None:
        session = requests.Session()
        url = f"{own.url}/_control/accounts/amazon/A1NORTHPINEUS/orders"
        while True:
            try:
                answer = session.post(url, json={"lines": [{"sku": "NP-WHS-1"}]}, timeout=5)
            except requests.RequestException:
                return
            answered.extend(answer.json()["ids"])

    threads = [threading.Thread(target=place) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.7)
    own.kill()
    for thread in threads:
        thread.join()
    own.start()

    found: set[str] = set()
    cursor: str | None = "0"
    while cursor:
        page = own.control("GET", f"/accounts/amazon/A1NORTHPINEUS/orders?limit=1000&cursor={cursor}")
        found |= {row["id"] for row in page["results"]}
        cursor = page["next"]
    assert len(answered) > 20
    assert set(answered) <= found


def test_a_seller_who_withdrew_stays_withdrawn_over_a_restart(own: Process) -> None:
    own.start()
    own.control("POST", "/accounts/amazon/A4HARBOURKILN/revoke", {})

    own.kill()
    own.start()

    assert "A4HARBOURKILN" not in own.control("GET", "/endpoints")["clients"]["amazon"]["refresh_tokens"]


def test_traffic_starts_when_told_with_both_holds_in_the_starting_set(tmp_path: Path) -> None:
    process = Process(tmp_path / "data")
    process.start()
    try:
        path = "/accounts/amazon/A1NORTHPINEUS/orders"
        assert process.control("GET", path)["results"] == [], "nothing comes before the accounts are connected"

        process.control("POST", "/traffic", {"start": True})

        known = {row["sku"]: row for row in _variants(process) if row["tracked"]}
        orders = _orders(process)
        assert STARTING_SET <= len(orders) <= STARTING_SET + 1
        ours = [row for row in orders if row["id"] in {r["id"] for r in process.control("GET", path)["results"]}]
        short = [
            row
            for row in ours
            for line in row["lines"]
            if line["sku"] in known and line["quantity"] > sum(p["available"] for p in known[line["sku"]]["locations"])
        ]
        odd = [row for row in ours if any(line["sku"] == "STV-TI-2-CA" for line in row["lines"])]
        assert len(short) == 1 and len(odd) == 1
        process.control("POST", "/traffic", {"start": True})
        assert len(_orders(process)) <= len(orders) + 1, "the starting set comes once"
    finally:
        process.kill()


def test_a_pending_order_of_the_stream_is_paid_after_a_restart_too(tmp_path: Path) -> None:
    process = Process(tmp_path / "data")
    process.start()
    try:
        process.control("POST", "/traffic", {"start": True})
        (pending, *_) = [order["id"] for order in _orders(process) if order["status"] == "pending"]
        process.kill()
        with closing(sqlite3.connect(tmp_path / "data" / "sandbox.sqlite3", isolation_level=None)) as journal:
            # Its time comes 20 to 60 seconds after it was placed: now, for this test.
            journal.execute("UPDATE docs SET body = json_set(body, '$.due', 0) WHERE tbl = 'traffic_unpaid'")

        process.start()

        end = time.monotonic() + 20
        while pending in [order["id"] for order in _orders(process) if order["status"] == "pending"]:
            assert time.monotonic() < end, "nobody paid"
            time.sleep(0.2)
    finally:
        process.kill()


def _orders(process: Process) -> list[dict[str, Any]]:
    """Return the orders of all demo sellers this sandbox has."""
    return [
        order
        for platform in FOLDERS
        for seller in catalog.sellers(platform)
        for order in process.control("GET", f"/accounts/{platform}/{seller['key']}/orders")["results"]
    ]


def _variants(process: Process) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = process.control("GET", f"/stores/{SHOP}/variants" + (f"?cursor={cursor}" if cursor else ""))
        rows += page["results"]
        if not page["next"]:
            return rows
        cursor = page["next"]


def test_it_does_not_run_in_production(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "connectors.sandbox", "--port", str(free_port()), "--data", str(tmp_path)]
    command += ["--credentials", str(RUN.directory / "credentials.json")]

    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"SALESTIO_MODE": "production"},
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode != 0 and b"production" in ended.stderr


def test_missing_credentials_are_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text(json.dumps({"amazon": {}}))
    command = [sys.executable, "-m", "connectors.sandbox", "--port", str(free_port()), "--data", str(tmp_path)]
    command += ["--credentials", str(tmp_path / "credentials.json")]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=30, check=False)

    assert ended.returncode != 0 and b"amazon.client_id" in ended.stderr and b"Traceback" not in ended.stderr


def test_the_sandbox_imports_nothing_of_the_product() -> None:
    """It judges the product, so it must not share its mistakes."""
    code = (
        "import sys; import connectors.sandbox.__main__; "
        "print([m for m in sys.modules if m.split('.')[0] in ('django','salestio','accounts','orders','inventory') "
        "or m.startswith(('connectors.http','connectors.contract','connectors.registry','connectors.amazon'))])"
    )

    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=30, check=True)

    assert found.stdout.strip() == b"[]"


# ── webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def receiver(fail_first: int = 0) -> Iterator[tuple[str, list[bytes]]]:
    """A small web server that keeps what it was sent; the first answers are 500."""
    got: list[bytes] = []
    failures = [fail_first]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            failures[0] -= 1
            if failures[0] < 0:
                got.append(body)
            self.send_response(500 if failures[0] >= 0 else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def deliver(
    data: Path, url: str, bodies: list[bytes], *, fault: tuple[str, dict[str, Any]] | None = None, seconds: float = 1.0
) -> int:
    """Deliver bodies with a world of this test's own; returns how many deliveries were given up."""
    import asyncio

    from connectors.sandbox.faults import Faults
    from connectors.sandbox.webhooks import Webhooks
    from connectors.sandbox.world import World

    dead: list[int] = []

    async def run() -> None:
        world = World(data)
        known = Faults(world)
        if fault is not None:
            known.add("shopify", "*", fault[0], 1, None, fault[1])
        webhooks = Webhooks(world, known)
        await webhooks.start()
        for body in bodies:
            webhooks.deliver(f"{url}/hook", {"X-A": "b"}, body, platform="shopify", on_dead=lambda: dead.append(1))
        world.commit()
        end = time.monotonic() + seconds
        while webhooks.waiting() and time.monotonic() < end:
            await asyncio.sleep(0.02)
        await webhooks.stop()
        world.close()

    asyncio.run(run())
    return len(dead)


def test_webhooks_arrive_and_are_tried_again_after_an_error(tmp_path: Path) -> None:
    with receiver(fail_first=3) as (url, got):
        deliver(tmp_path, url, [b"1", b"2", b"3"], seconds=10)

    assert sorted(got) == [b"1", b"2", b"3"]


def test_webhooks_are_repeated_dropped_and_shuffled_by_faults(tmp_path: Path) -> None:
    bodies = [str(n).encode() for n in range(20)]
    with receiver() as (url, got):
        deliver(tmp_path / "a", url, [b"x"], fault=("webhook_repeat", {"times": 3}))
        assert got == [b"x"] * 3
        got.clear()
        deliver(tmp_path / "b", url, [b"x"], fault=("webhook_drop", {}))
        assert got == []
        deliver(tmp_path / "c", url, bodies, fault=("webhook_shuffle", {"seconds": 0.5}), seconds=5)
        assert sorted(got) == sorted(bodies) and got != bodies


def test_a_receiver_that_never_answers_2xx_is_given_up_on(tmp_path: Path) -> None:
    with receiver(fail_first=100) as (url, got):
        assert deliver(tmp_path, url, [b"1"], seconds=20) == 1

    assert got == []


def test_what_waits_for_delivery_survives_a_restart(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    deliver(tmp_path, nobody, [b"later"], seconds=0)

    from connectors.sandbox.webhooks import PENDING
    from connectors.sandbox.world import World

    assert [doc["url"] for doc in World(tmp_path).table(PENDING).values()] == [f"{nobody}/hook"]


def test_it_ends_soon_although_a_client_waits_for_messages(own: Process) -> None:
    own.start()
    words = json.loads((RUN.directory / "credentials.json").read_text())["amazon"]
    waiting: list[int] = []

    def poll() -> None:
        scope = f"{words['aws_access_key_id']}/20261121/us-east-1/sqs/aws4_request"
        headers = {
            "X-Amz-Target": "AmazonSQS.ReceiveMessage",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}",
        }
        body = {"QueueUrl": f"{own.url}/sqs/000000000000/salestio-notifications", "WaitTimeSeconds": 20}
        waiting.append(requests.post(f"{own.url}/sqs", json=body, headers=headers, timeout=30).status_code)

    thread = threading.Thread(target=poll)
    thread.start()
    time.sleep(0.5)
    assert own.process is not None
    began = time.monotonic()
    own.process.terminate()
    own.process.wait(15)
    thread.join()

    assert waiting == [200] and time.monotonic() - began < 8
