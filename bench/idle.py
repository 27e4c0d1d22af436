"""What one order costs when nothing else goes on: seconds from marketplace to store, CPU of an export by hand."""

from __future__ import annotations

import time

from bench.figures import Figure, cpu_seconds, percentile
from bench.outside import Failed, Running, wait_for

PROFILE = "demo limits, no latency, push"


def push(running: Running, *, orders: int = 40) -> list[Figure]:
    """Place single orders a second apart and wait for each in the store."""
    sandbox, merchant = running.sandbox, running.merchants[0]
    taken: list[float] = []
    loop: list[float] = []
    sku = "NP-WHS-1"
    variant = next(row for row in sandbox.variants(merchant.store) if row["sku"] == sku)
    sandbox.set_variant(merchant.store, variant["id"], available=orders * 10)
    time.sleep(4.0)
    for number in range(orders):
        began = time.monotonic()
        (reference,) = sandbox.place(merchant.sellers[number % 3], lines=[{"sku": sku}])
        while True:
            asked = time.monotonic()
            found = sandbox.get(f"/stores/{merchant.store}/orders", reference=reference)["results"]
            loop.append(time.monotonic() - asked)
            if found:
                break
            if time.monotonic() - began > 60:
                raise Failed(f"{reference} was not in the store after a minute")
            time.sleep(0.01)
        taken.append(time.monotonic() - began)
        time.sleep(0.7)
    p95 = percentile(taken, 0.95)
    call = percentile(loop, 0.5) * 1000
    beside = f"median {percentile(taken, 0.5):.2f} s, worst {max(taken):.2f} s; one bare call {call:.1f} ms"
    return [Figure("one order, idle, marketplace → store, p95", f"{p95:.2f} s", "<= 1 s", p95 <= 1.0, beside, PROFILE)]


def export(running: Running, *, orders: int = 60) -> list[Figure]:
    """Export single FBA orders by the API and say what that costs the web process, next to reading one by the API."""
    sandbox, merchant = running.sandbox, running.merchants[0]
    ids = sandbox.place(merchant.sellers[0], lines=[{"sku": "NP-WHS-1"}], count=orders, fulfilled_by="marketplace")
    deadline = time.monotonic() + 60
    while True:
        rows = [row for row in merchant.orders(export_state="skipped") if row["marketplace_order_id"] in set(ids)]
        if len(rows) == orders:
            break
        if time.monotonic() > deadline:
            raise Failed(f"{len(rows)} of {orders} FBA orders were imported within a minute")
        time.sleep(0.5)
    time.sleep(3.0)
    web = running.pids("web")
    before = cpu_seconds(web)
    for row in rows:
        merchant.get(f"/orders/{row['id']}")
    reading = (cpu_seconds(web) - before) / orders * 1000
    merchant.call("POST", f"/orders/{rows[0]['id']}/export", {})
    before = cpu_seconds(web)
    for row in rows[1:]:
        answer = merchant.call("POST", f"/orders/{row['id']}/export", {})
        if answer["export_state"] != "created":
            raise Failed(f"an FBA order exported by hand is {answer['export_state']} {answer['reason']}")
    each = (cpu_seconds(web) - before) / (orders - 1) * 1000
    beside = f"reading one by the API costs {reading:.1f} ms, so the export itself {each - reading:.1f} ms"
    net = each - reading
    return [Figure("Export of one, CPU of the web process", f"{each:.1f} ms", "<= 12 ms", net <= 12, beside, PROFILE)]


def fairness(running: Running, *, backlog: int = 20_000, probes: int = 20) -> list[Figure]:
    """Put a backlog into one merchant's lane and watch another merchant's new orders pass beside it."""
    sandbox, busy, other = running.sandbox, running.merchants[0], running.merchants[1]
    row = next(r for r in sandbox.variants(other.store) if r["tracked"] and r["status"] == "active" and r["sku"])
    sandbox.set_variant(other.store, row["id"], available=10_000)
    variants = sandbox.variants(busy.store)
    once = [r for r in variants if r["tracked"] and r["status"] == "active" and r["policy"] == "deny"]
    goods = [r for r in once if r["sku"] and sum(o["sku"] == r["sku"] for o in variants) == 1][:20]
    for good in goods:
        sandbox.set_variant(busy.store, good["id"], available=1_000_000)
    time.sleep(4.0)
    sandbox.post("/latency", milliseconds=50)
    start = busy.states().get("created", 0)
    for number, good in enumerate(goods):
        seller = busy.sellers[number % 3]
        sandbox.place(
            seller, lines=[{"sku": good["sku"]}], count=backlog // len(goods), mode="push" if number % 2 else "sweep"
        )
    began, taken = time.monotonic(), []
    for _ in range(probes):
        asked = time.monotonic()
        (reference,) = sandbox.place(other.sellers[0], lines=[{"sku": row["sku"]}])
        while not sandbox.get(f"/stores/{other.store}/orders", reference=reference)["results"]:
            if time.monotonic() - asked > 120:
                raise Failed("the other merchant's order waited for two minutes")
            time.sleep(0.05)
        taken.append(time.monotonic() - asked)
        time.sleep(0.5)
    rate = (busy.states().get("created", 0) - start) / (time.monotonic() - began)
    left = backlog - (busy.states().get("created", 0) - start)
    sandbox.post("/latency", milliseconds=0)
    # What is measured next must not stand beside the rest of this backlog.
    wait_for("the backlog", lambda: busy.states().get("created", 0) - start >= backlog, seconds=900, every=2.0)
    p99 = percentile(taken, 0.99)
    beside = f"median {percentile(taken, 0.5):.2f} s; the busy lane did {rate:.0f} orders/s, {left} of {backlog} still waiting"
    return [
        Figure("another merchant's new order beside a backlog, p99", f"{p99:.2f} s", "<= 10 s", p99 <= 10, beside,
               "demo limits, 50 ms latency"),
    ]  # fmt: skip
