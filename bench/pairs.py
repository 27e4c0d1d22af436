"""What an order costs in calls, for each marketplace and each store: at its marketplace, and at its store."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.buyers import stock_up
from bench.figures import Figure
from bench.outside import Doc, Merchant, Running, say, wait_for
from connectors import registry

WARM = 25
"""Orders an account sells before it is measured: its first twenty are looked up in the store (F11)."""
SKUS = 20
STORE_GOAL, MARKETPLACE_GOAL = 1.1, 0.03
Calls = dict[tuple[str, str], int]
PROFILE = "marketplaces real without list delay, stores demo; waiting orders, no push"


def measure(running: Running, *, orders: int = 200) -> list[Figure]:
    """Let so many orders wait at one seller after the other, and count what reading and creating them takes."""
    figures = []
    for line in registry.marketplaces():
        # At the demo's rates a list is read every other second, whether there is anything new or not.
        running.sandbox.post("/limits", platform=line.name, profile="real", list_delay_seconds=0)
    for merchant in running.merchants[1:]:
        skus = stock_up(running.sandbox, merchant.store).ordinary[:SKUS]
        time.sleep(5.0)
        for account in merchant.facts["accounts"]:
            _sell(running, merchant, account, skus, WARM)
            figures += _pair(running, merchant, account, skus, orders)
    return figures


def _pair(running: Running, merchant: Merchant, account: Doc, skus: list[str], orders: int) -> list[Figure]:
    sandbox = running.sandbox
    time.sleep(11.0)  # settling reads of what was sold before; and an account is asked for at most every ten seconds
    before = sandbox.calls(merchant.store), sandbox.calls(account["key"])
    _sell(running, merchant, account, skus, orders)
    marketplace = _since(before[1], sandbox.calls(account["key"]))
    time.sleep(6.0)
    store = _since(before[0], sandbox.calls(merchant.store))
    at_store, at_marketplace = sum(store.values()), sum(marketplace.values())
    pair = f"{account['platform']} → {merchant.store_platform}"
    say(f"  {pair}: {orders} orders, {at_store} calls at the store ({_words(store)}), "
        f"{at_marketplace} at the marketplace ({_words(marketplace)})")  # fmt: skip
    stored, read = at_store / orders, at_marketplace / orders
    return [
        Figure(f"store calls an order, {pair}", f"{stored:.2f}", f"<= {STORE_GOAL}", stored <= STORE_GOAL, "", PROFILE),
        Figure(f"marketplace calls an order, {pair}", f"{read:.3f}", f"<= {MARKETPLACE_GOAL}",
               read <= MARKETPLACE_GOAL, "", PROFILE),
    ]  # fmt: skip


def _since(before: Calls, now: Calls) -> Calls:
    return {place: count - before.get(place, 0) for place, count in now.items() if count > before.get(place, 0)}


def _words(calls: Calls) -> str:
    return ", ".join(f"{operation} {count}" for (_platform, operation), count in sorted(calls.items()))


def _sell(running: Running, merchant: Merchant, account: Doc, skus: list[str], orders: int) -> None:
    """Let the orders wait at the marketplace while our worker stands still, then wait until all are in the store."""
    known = merchant.states().get("created", 0)
    with _standing_still(running.pids("worker")):
        for number, sku in enumerate(skus):
            share = orders // len(skus) + (number < orders % len(skus))
            if share:
                running.sandbox.place(
                    account["key"], platform=account["platform"], lines=[{"sku": sku}], count=share, mode="sweep"
                )
    known_as = next(row["id"] for row in merchant.get("/accounts")["results"] if row["key"] == account["key"])
    merchant.call("POST", f"/accounts/{known_as}/pull", {})
    wait_for(
        f"{orders} orders of {account['key']}",
        lambda: merchant.states().get("created", 0) >= known + orders,
        seconds=300.0,
    )


@contextmanager
def _standing_still(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
