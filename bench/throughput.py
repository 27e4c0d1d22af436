"""Ten Amazon accounts with thousands of waiting orders each into ten Plus stores, 50 ms latency on every call.

Says orders/s, worker CPU an order next to a bare script that makes the same two calls, calls an order on either side,
and what a call costs the sandbox. Everything in one run, so every figure stands beside its denominator.
"""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import requests

from bench.figures import Figure, cpu_seconds, family
from bench.inside import run_inside
from bench.outside import Failed, Merchant, Running, say

LATENCY_MS = 50
ACCOUNTS = 10
UNITS = 1_000_000
SKUS = 20

CREATE = """mutation Create($order: OrderCreateOrderInput!) {
  orderCreate(order: $order) { order { id name } userErrors { field message } } }"""


def measure(running: Running, *, orders: int = 500) -> list[Figure]:
    """Measure with so many orders waiting in each account."""
    sandbox = running.sandbox
    merchants = [Merchant(running.web, facts) for facts in run_inside(running.directory, "merchants", str(ACCOUNTS))]
    shelves = {merchant.store: _stock_up(running, merchant) for merchant in merchants}
    # Every store's figures and every account's first (empty) pull must be behind us.
    time.sleep(8.0)
    sandbox.post("/limits", profile="real", list_delay_seconds=0)
    sandbox.post("/latency", milliseconds=LATENCY_MS)
    worker = running.pids("worker")
    for pid in worker:
        os.kill(pid, signal.SIGSTOP)
    try:
        for merchant in merchants:
            skus = shelves[merchant.store]
            for number, sku in enumerate(skus):
                count = orders // SKUS + (number < orders % SKUS)
                if count:
                    sandbox.place(merchant.sellers[0], lines=[{"sku": sku}], count=count, mode="sweep")
        calls_before, waits_before = sandbox.calls(), sandbox.throttled()
        cpu_before = _cpu(running)
    finally:
        for pid in worker:
            os.kill(pid, signal.SIGCONT)
    began = time.monotonic()
    for merchant in merchants:
        account = merchant.get("/accounts")["results"][0]
        merchant.call("POST", f"/accounts/{account['id']}/pull", {})
    total = orders * ACCOUNTS
    took = _until_created(merchants, total, began)
    cpu = {name: after - cpu_before[name] for name, after in _cpu(running).items()}
    calls = {key: n - calls_before.get(key, 0) for key, n in sandbox.calls().items()}
    throttled = sandbox.throttled() - waits_before
    bare = _bare_script(running, shelves, cpu_orders=min(400, orders))
    sandbox.post("/latency", milliseconds=0)
    sandbox.post("/limits", profile="demo")
    return _figures(total, took, cpu, calls, throttled, bare)


def _cpu(running: Running) -> dict[str, float]:
    """Return the CPU seconds so far by part; PostgreSQL with the processes of its connections."""
    pids = {name: running.pids(name) for name in ("worker", "sandbox", "postgres")}
    return {name: cpu_seconds(family(found[0]), children=True) for name, found in pids.items()}


def _stock_up(running: Running, merchant: Merchant) -> list[str]:
    rows = [
        row
        for row in running.sandbox.variants(merchant.store)
        if row["sku"] and row["tracked"] and row["status"] == "active" and row["policy"] == "deny"
    ]
    rows = [row for row in rows if sum(other["sku"] == row["sku"] for other in rows) == 1][:SKUS]
    for row in rows:
        running.sandbox.set_variant(merchant.store, row["id"], available=UNITS)
    return [row["sku"] for row in rows]


def _until_created(merchants: list[Merchant], total: int, began: float) -> float:
    """Return the seconds until every order is in a store. Raises `Failed` when nothing moves for two minutes."""
    best, moved = 0, time.monotonic()
    while True:
        done = sum(merchant.states().get("created", 0) for merchant in merchants)
        if done >= total:
            return time.monotonic() - began
        if done > best:
            best, moved = done, time.monotonic()
        if time.monotonic() - moved > 120:
            states = [merchant.states() for merchant in merchants]
            raise Failed(f"{done} of {total} orders after {time.monotonic() - began:.0f} s, then nothing: {states}")
        say(f"  {done} of {total} after {time.monotonic() - began:.0f} s")
        time.sleep(1.0)


def _bare_script(running: Running, shelves: dict[str, list[str]], *, cpu_orders: int) -> float:
    """Return the CPU seconds an order of a script that reads orders by list and creates each, and nothing else."""
    clients = running.sandbox.get("/endpoints")
    shop = "bench-denominator.myshopify.com"
    tokens = running.sandbox.call("PUT", f"/stores/{shop}", {"plan": "plus"})["tokens"]
    seller = "ABENCHBARE1"
    refresh = running.sandbox.call("PUT", f"/accounts/amazon/{seller}", {})["refresh_token"]
    running.sandbox.post("/limits", profile="off")
    running.sandbox.place(seller, lines=[{"sku": next(iter(shelves.values()))[0]}], count=cpu_orders, mode="sweep")
    variants = {row["sku"]: row["id"] for row in running.sandbox.variants(shop)}
    session = requests.Session()
    app = clients["clients"]["amazon"]
    access = session.post(
        f"{clients['amazon']['lwa']}/auth/o2/token",
        data={"grant_type": "refresh_token", "refresh_token": refresh,
              "client_id": app["client_id"], "client_secret": app["client_secret"]},
    ).json()["access_token"]  # fmt: skip
    create = f"{running.sandbox.address}/shopify/{shop}/admin/api/2026-10/graphql.json"
    began, made, page = time.process_time(), 0, ""
    while True:
        found = session.get(
            f"{clients['amazon']['na']}/orders/2026-01-01/orders",
            params={"marketplaceIds": "ATVPDKIKX0DER", "lastUpdatedAfter": "2020-01-01T00:00:00Z", "maxResultsPerPage": 100,
                    **({"paginationToken": page} if page else {}), "includedData": "BUYER,RECIPIENT,PROCEEDS"},
            headers={"x-amz-access-token": access},
        ).json()  # fmt: skip
        for order in found["orders"]:
            lines = [
                {"variantId": variants[item["product"]["sellerSku"]], "quantity": item["quantityOrdered"]}
                for item in order["orderItems"]
            ]
            answer = session.post(
                create,
                data=json.dumps({"query": CREATE, "variables": {"order": {"lineItems": lines}}}),
                headers={"X-Shopify-Access-Token": tokens["access_token"], "Content-Type": "application/json"},
            ).json()
            made += bool(answer["data"]["orderCreate"]["order"])
        page = (found.get("pagination") or {}).get("nextToken", "")
        if not page:
            break
    if made < cpu_orders:
        raise Failed(f"the bare script created {made} of {cpu_orders} orders")
    return (time.process_time() - began) / made


def _figures(
    total: int, took: float, cpu: dict[str, float], calls: dict[Any, int], throttled: int, bare: float
) -> list[Figure]:
    amazon = sum(n for (platform, _), n in calls.items() if platform == "amazon")
    store = sum(n for (platform, _), n in calls.items() if platform == "shopify")
    profile = (
        f"Amazon real (list delay 0 s), Shopify Plus real, {LATENCY_MS} ms latency, {ACCOUNTS} × {total // ACCOUNTS}"
    )
    each, sandbox_each = cpu["worker"] / total * 1000, cpu["sandbox"] / max(sum(calls.values()), 1) * 1000
    rate = total / took
    said = f"bare script {bare * 1000:.2f} ms, {each / (bare * 1000):.1f}×; PostgreSQL {cpu['postgres'] / total * 1000:.1f} ms"
    return [
        Figure("orders/s", f"{rate:.0f} ({total} in {took:.0f} s)", ">= 80", rate >= 80, "", profile),
        Figure(
            "worker CPU an order",
            f"{each:.2f} ms",
            "<= 5 ms, <= 2.5×",
            each <= 5 and each <= 2500 * bare,
            said,
            profile,
        ),
        Figure(
            "Amazon calls an order, catching up",
            f"{amazon / total:.4f}",
            "<= 0.02",
            amazon <= 0.02 * total,
            f"{amazon} calls",
            profile,
        ),
        Figure(
            "store calls an order", f"{store / total:.3f}", "<= 1.1", store <= 1.1 * total, f"{store} calls", profile
        ),
        Figure("calls that met an empty bucket", str(throttled), "0", throttled == 0, "", profile),
        Figure(
            "sandbox CPU a call",
            f"{sandbox_each:.2f} ms",
            "<= 1.5 ms",
            sandbox_each <= 1.5,
            f"{sum(calls.values())} calls",
            profile,
        ),
    ]
