"""A sandbox process of a test's own: what survives kill -9, and the whole ladder of retries in a moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.sandbox.bigcommerce.hooks import LADDER
from tests.sandbox.bigcommerce.conftest import CANDLE, HASH, Receiver, Store
from tests.sandbox.process import Process


def client_of(process: Process) -> Store:
    """Return a client of the demo store in a test's own sandbox."""
    app = process.control("GET", "/endpoints")["clients"]["bigcommerce"]
    return Store(_Control(process), HASH, app["tokens"][HASH]["access_token"], app, None)


class _Control:
    """The control API of a test's own sandbox, with query parameters."""

    def __init__(self, process: Process) -> None:
        self.url = process.url
        self._process = process

    def control(self, method: str, path: str, json: object = None, **query: str) -> object:
        tail = "&".join(f"{name}={value}" for name, value in query.items())
        return self._process.control(method, f"{path}?{tail}" if tail else path, json)


def test_orders_stock_token_and_webhooks_survive_kill_9(tmp_path: Path, receiver: Receiver) -> None:
    process = Process(tmp_path, "--no-traffic")
    process.start()
    try:
        store = client_of(process)
        hook = store.hook("store/order/updated", f"{receiver.url}/h").json()["data"]
        made = store.created(store.line(CANDLE, 2), external_order_id="KILL-1")
        left = store.available(CANDLE)
        process.kill()
        process.start()
        again = client_of(process)
        assert again.token == store.token
        assert [row["id"] for row in again.get("/v2/orders", external_order_id="KILL-1")] == [made["id"]]
        assert again.available(CANDLE) == left
        assert [row["id"] for row in again.get("/v3/hooks")["data"]] == [hook["id"]]
        assert again.created()["id"] > made["id"]
    finally:
        process.kill()


def test_after_the_last_try_a_subscription_is_inactive(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESTIO_TIMES_DIVISOR", "400")
    receiver.status = 500
    process = Process(tmp_path, "--no-traffic")
    process.start()
    try:
        store = client_of(process)
        hook = store.hook("store/order/created", f"{receiver.url}/h").json()["data"]
        store.created()
        receiver.wait(len(LADDER) + 1)
        receiver.until(lambda: store.get(f"/v3/hooks/{hook['id']}")["data"]["is_active"] is False)
        assert len(receiver.got) == len(LADDER) + 1
    finally:
        process.kill()


def test_by_the_real_profile_a_read_of_stock_is_a_moment_old(tmp_path: Path) -> None:
    process = Process(tmp_path, "--no-traffic")
    process.start()
    try:
        store = client_of(process)
        process.control("POST", "/limits", {"platform": "bigcommerce", "profile": "real"})

        def seen() -> int:
            rows = store.get("/v3/inventory/items", **{"sku:in": CANDLE})["data"]
            return sum(place["available_to_sell"] for place in rows[0]["locations"])

        before = seen()
        store.created(store.line(CANDLE, 2))
        assert seen() == before
        process.control("POST", "/clock", {"advance_seconds": 5})
        assert seen() == before - 2
    finally:
        process.kill()
