"""The storm: thousands of orders while the store misbehaves and our processes are killed; then everything is counted.

    ./run storm [--orders 2000] [--seed 1] [--calm] [--races] [--real-times] [--data DIR]

Ends with a table; the exit code is 0 only when nothing was lost, doubled, oversold, silent or wrong. Waits are a fifth
of the real ones and the store's search lag is scaled alike (ratios matter, not seconds); `--real-times` takes the real.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

from bench import census
from bench.buyers import SCARCE_UNITS, Buyers, learn_totals, stock_up
from bench.census import Count
from bench.chaos import Chaos
from bench.inside import run_inside
from bench.outside import ROOT, Running, say

DIVISOR = 5.0
RATE = 0.05
LAG = 5.0
"""Seconds the store's search lags behind; identifier look-ups lag too, and the store keeps no unique metafield."""


def break_the_store(running: Running, divisor: float) -> None:
    """Switch the faults of the create call on, each at 5 % of the calls, and let webhooks repeat and shuffle."""
    sandbox = running.sandbox
    create = "orderCreate"
    sandbox.fault("status", create, rate=RATE, code=500)
    sandbox.fault("throttle", create, rate=RATE)
    sandbox.fault("status_after", create, rate=RATE, code=500)
    sandbox.fault("drop_after", create, rate=RATE)
    sandbox.fault("timeout_after", create, rate=RATE, seconds=120 / divisor)
    sandbox.fault("search_lag", seconds=LAG / divisor, identifier=True)
    sandbox.fault("webhook_repeat", times=3)
    sandbox.fault("webhook_shuffle", seconds=5 / divisor)
    sandbox.fault("repeat_order", "searchOrders", platform="amazon", rate=RATE)
    sandbox.fault("status", platform="amazon", rate=0.02, code=503)


def run_storm(running: Running, *, orders: int, seed: int, calm: bool, divisor: float, patience: float) -> Count:
    """Let the storm pass over the first merchant and return what was counted."""
    sandbox, merchant = running.sandbox, running.merchants[0]
    shelf = stock_up(sandbox, merchant.store)
    time.sleep(5.0)  # the figures must be read before the first order asks for them, as in any shop
    before = census.stock_of(sandbox, merchant.store)
    buyers = Buyers(sandbox, merchant, shelf, random.Random(seed))
    chaos = Chaos(running, random.Random(seed + 1))
    if not calm:
        break_the_store(running, divisor)
        chaos.start()
    began = time.monotonic()
    # Orders come over about a minute, so that kills fall into reading as well as into sending.
    pace = 0.0 if calm else min(60.0, orders / 30) / max(orders / 5, 1)
    done = 0
    for placed in buyers.buy(orders):
        if placed // 250 > done:
            done = placed // 250
            say(f"  {placed} orders placed")
        # What happens later to an order happens while it is being worked on.
        for one in [buyers.later.pop(0) for _ in range(max(0, len(buyers.later) - 30))]:
            sandbox.change(one.seller, one.order_id, status=one.status)
        time.sleep(pace)
    for one in buyers.later:
        sandbox.change(one.seller, one.order_id, status=one.status)
    if not calm:
        chaos.rest_of_the_faults(until=began + 75)
        chaos.end()
    census.wait_until_quiet(merchant, buyers.placed, seconds=patience)
    took = time.monotonic() - began
    hits = sandbox.end_faults()
    # The last settling reads, and stock events that wake what waits.
    time.sleep(4.0)
    learn_totals(sandbox, buyers.placed)
    result = census.count(sandbox, merchant, buyers.placed, before)
    _count_last_units(result, running, buyers, shelf.scarce)
    _compare_our_figures(result, running, before, seconds=90 / divisor + 30)
    lag = f"search lag {LAG / divisor:g} s" if not calm else "no faults"
    print(f"storm: {len(buyers.placed)} orders, seed {seed}, {took:.0f} s, waits ÷ {divisor:g}, {lag}")
    if not calm:
        faults = ", ".join(f"{row['operation']} {row['kind']} {row['hits']}" for row in hits if row["hits"])
        print(f"  faults         {faults}")
        print(f"  done to us     {', '.join(f'{name} {n}' for name, n in chaos.done.items())}")
    return result


def _count_last_units(result: Count, running: Running, buyers: Buyers, scarce: str) -> None:
    """The orders for the last units: exactly as many as there were units are in the store."""
    merchant = running.merchants[0]
    wanted = {one.id for one in buyers.placed if one.kind == "the last units"}
    made = sum(1 for order in running.sandbox.store_orders(merchant.store) if order["reference"] in wanted)
    right = min(len(wanted), SCARCE_UNITS)
    if made != right:
        result.wrong_stock.append(
            f"{scarce}: {made} of {len(wanted)} orders for {SCARCE_UNITS} units were created, not {right}"
        )


def _compare_our_figures(result: Count, running: Running, before: census.Stock, *, seconds: float) -> None:
    """What we think is free must become what the store has: every hand-over settles."""
    store = running.merchants[0].store
    after = {sku: units for sku, units in census.stock_of(running.sandbox, store).items() if sku in before}
    end = time.monotonic() + seconds
    while True:
        ours = run_inside(running.directory, "free-units", store)
        wrong = [
            f"{sku}: we say {ours.get(sku)}, the store has {has}" for sku, has in after.items() if ours.get(sku) != has
        ]
        if not wrong or time.monotonic() > end:
            result.wrong_stock += wrong
            return
        time.sleep(2.0)


def own_check(running: Running) -> str:
    """Let our own nightly job compare ledger, reservations and counts; return what it found, '' for nothing."""
    command = ["./run", "manage", "--data", str(running.directory), "jobs", "run", "reconcile"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        return answer.stderr.strip()[-600:]
    return answer.stdout.strip()


def run_races(running: Running, *, patience: float) -> list[str]:
    """50 orders for 10 units at once, then the stock is raised. Return what was wrong, as sentences."""
    sandbox, merchant = running.sandbox, running.merchants[0]
    row = next(r for r in sandbox.variants(merchant.store) if r["sku"] == "NP-STK-8")
    _set_all(running, row, 10)
    time.sleep(5.0)
    ids: list[str] = []
    for number in range(50):
        ids += sandbox.place(merchant.sellers[number % 3], lines=[{"sku": row["sku"], "quantity": 1}])
    wrong = []
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = {one["marketplace_order_id"]: one for one in merchant.orders() if one["marketplace_order_id"] in ids}
        states = [one["export_state"] for one in found.values()]
        if states.count("created") >= 10 and states.count("created") + states.count("held") == 50:
            break
        time.sleep(0.3)
    if (states.count("created"), states.count("held")) != (10, 40):
        wrong.append(f"{states.count('created')} created and {states.count('held')} held of 50 orders for 10 units")
    for one in found.values():
        if one["export_state"] == "held":
            wrong += _badly_said(one, row["sku"])
    _set_all(running, row, 40)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        states = [one["export_state"] for one in merchant.orders() if one["marketplace_order_id"] in ids]
        if states.count("created") == 50:
            break
        time.sleep(0.3)
    if states.count("created") != 50:
        wrong.append(f"after raising the stock {states.count('created')} of 50 are created")
    references = [
        order["reference"] for order in sandbox.store_orders(merchant.store) if order["reference"] in set(ids)
    ]
    if len(references) != len(set(references)):
        wrong.append("an order is in the store twice")
    return wrong


def _badly_said(order: dict, sku: str) -> list[str]:  # type: ignore[type-arg]
    reason = order["reason"]
    items = [item for item in reason["items"] if item["sku"] == sku]
    if reason["code"] != "OUT_OF_STOCK" or len(items) != 1 or items[0]["wanted"] != 1 or items[0]["available"] != 0:
        return [f"{order['marketplace_order_id']}: {reason}"]
    return (
        [] if sku in reason["message"] else [f"{order['marketplace_order_id']}: {reason['message']!r} names no {sku}"]
    )


def _set_all(running: Running, row: dict, units: int) -> None:  # type: ignore[type-arg]
    store = running.merchants[0].store
    for number, place in enumerate(row["locations"]):
        running.sandbox.set_variant(store, row["id"], available=units if number == 0 else 0, location=place["name"])


def main(given: list[str]) -> int:
    """Run the storm and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="./run storm", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calm", action="store_true", help="the same orders without faults and kills")
    parser.add_argument("--races", action="store_true", help="50 orders for 10 units instead")
    parser.add_argument("--real-times", action="store_true", help="the product's own waits (takes longer)")
    parser.add_argument("--patience", type=float, default=600.0, help="seconds until everything must be at rest (600)")
    parser.add_argument("--ports", type=int, nargs=2, metavar=("WEB", "SANDBOX"), help="default: any two free ones")
    parser.add_argument("--data", type=Path, help="use the run of this data directory instead of a new one")
    options = parser.parse_args(given)
    divisor = 1.0 if options.real_times or options.calm or options.races else DIVISOR
    ports = tuple(options.ports) if options.ports else None
    running = (
        Running.attach(options.data)
        if options.data
        else Running.start(ports=ports, environment={"SALESTIO_TIMES_DIVISOR": str(divisor)})  # type: ignore[arg-type]
    )
    with running:
        if options.races:
            wrong = run_races(running, patience=60.0)
            print("races: 50 orders for 10 units: " + ("; ".join(wrong[:10]) or "10 created, 40 held, then all flowed"))
            return 1 if wrong else 0
        result = run_storm(
            running,
            orders=options.orders,
            seed=options.seed,
            calm=options.calm,
            divisor=divisor,
            patience=options.patience,
        )
        print(result.table())
        own = own_check(running)
        print(f"  own check      {own or 'nothing found'}")
        return 0 if result.clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
