"""The storm: thousands of orders of every marketplace into every store while these misbehave and we are killed; then all
is counted.

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
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench import census
from bench.buyers import SCARCE_UNITS, Buyers, learn_totals, stock_up
from bench.census import Count
from bench.chaos import Chaos
from bench.inside import run_inside
from bench.outside import ROOT, Doc, Merchant, Running, say
from connectors import registry
from connectors.sandbox.platforms import PLATFORMS

DIVISOR = 5.0
RATE = 0.05
LAG = 5.0
"""Seconds the store's search lags behind; identifier look-ups lag too, and no store refuses a second order of one key."""
CREATES = {line.name: PLATFORMS[line.name].operation for line in registry.storefronts()}
SEARCHES = {"bigcommerce": "getOrders"}
"""Store platform → its search; others' searches and look-ups are told apart by nothing."""
STOCK_LAG = 2.0
"""Seconds BigCommerce's figures of stock are behind, as in the sandbox's profile `real`."""
LISTS = {line.name: PLATFORMS[line.name].operation for line in registry.marketplaces()}
YEN = ("amazon", "A8STORMJAPAN", "Storm Japan", "fe", "JP")
"""A further seller of the first merchant, whose currency has no decimals."""


def break_the_stores(running: Running, divisor: float) -> None:
    """Switch the faults of the create calls on, each at 5 % of the calls, and let webhooks repeat and shuffle."""
    sandbox = running.sandbox
    for platform, create in CREATES.items():
        sandbox.fault("status", create, platform=platform, rate=RATE, code=500)
        sandbox.fault("throttle", create, platform=platform, rate=RATE)
        sandbox.fault("status_after", create, platform=platform, rate=RATE, code=500)
        sandbox.fault("drop_after", create, platform=platform, rate=RATE)
        sandbox.fault("timeout_after", create, platform=platform, rate=RATE, seconds=120 / divisor)
        sandbox.fault(
            "search_lag", SEARCHES.get(platform, "*"), platform=platform, seconds=LAG / divisor, identifier=True
        )
        sandbox.fault("webhook_repeat", platform=platform, times=3)
        sandbox.fault("webhook_shuffle", platform=platform, seconds=5 / divisor)
    sandbox.fault("search_lag", "get-inventory-items", platform="bigcommerce", seconds=STOCK_LAG / divisor)
    for platform, listing in LISTS.items():
        sandbox.fault("repeat_order", listing, platform=platform, rate=RATE)
        sandbox.fault("status", platform=platform, rate=0.02, code=503)


class Crowd:
    """One merchant's buyers, with what was on the shelf before they came."""

    def __init__(self, running: Running, merchant: Merchant, chance: random.Random, more: Sequence[Doc]) -> None:
        self.merchant = merchant
        self.shelf = stock_up(running.sandbox, merchant.store)
        self.buyers = Buyers(running.sandbox, merchant, self.shelf, chance, more)
        self.before: census.Stock = {}


def run_storm(running: Running, *, orders: int, seed: int, calm: bool, divisor: float, patience: float) -> Count:
    """Let the storm pass over all merchants and return what was counted."""
    sandbox = running.sandbox
    first = running.merchants[0]
    yen = [run_inside(running.directory, "seller", first.store, *YEN)]
    crowds = [
        Crowd(running, merchant, random.Random(seed + 100 * number), yen if merchant is first else [])
        for number, merchant in enumerate(running.merchants)
    ]
    time.sleep(5.0)  # the figures must be read before the first order asks for them, as in any shop
    for crowd in crowds:
        crowd.before = census.stock_of(sandbox, crowd.merchant.store)
    chaos = Chaos(running, random.Random(seed + 1))
    if not calm:
        break_the_stores(running, divisor)
        chaos.start()
    began = time.monotonic()
    _let_them_buy(crowds, orders, calm=calm)
    if not calm:
        chaos.rest_of_the_faults(until=began + 75)
        chaos.end()
    for crowd in crowds:
        left = max(patience - (time.monotonic() - began), 10.0)
        census.wait_until_quiet(crowd.merchant, crowd.buyers.placed, seconds=left)
    took = time.monotonic() - began
    hits = sandbox.end_faults()
    # The last settling reads, and stock events that wake what waits.
    time.sleep(4.0)
    result = Count()
    for crowd in crowds:
        placed = crowd.buyers.placed
        learn_totals(sandbox, placed)
        found = census.count(sandbox, crowd.merchant, placed, crowd.before)
        _count_last_units(found, running, crowd)
        _compare_our_figures(found, running, crowd, seconds=90 / divisor + 30)
        result.add(found)
    lag = f"search lag {LAG / divisor:g} s" if not calm else "no faults"
    total = sum(len(crowd.buyers.placed) for crowd in crowds)
    print(f"storm: {total} orders, seed {seed}, {took:.0f} s, waits ÷ {divisor:g}, {lag}")
    _tell_pairs(crowds)
    if not calm:
        faults = ", ".join(
            f"{row['platform']} {row['operation']} {row['kind']} {row['hits']}" for row in hits if row["hits"]
        )
        print(f"  faults         {faults}")
        print(f"  done to us     {', '.join(f'{name} {n}' for name, n in chaos.done.items())}")
    return result


def _let_them_buy(crowds: Sequence[Crowd], orders: int, *, calm: bool) -> None:
    """Let all merchants' buyers buy at the same time, in turns, until so many orders stand."""
    # Orders come over about a minute, so that kills fall into reading as well as into sending.
    pace = 0.0 if calm else min(60.0, orders / 30) / max(orders / 5, 1)
    turns = [crowd.buyers.buy(orders // len(crowds)) for crowd in crowds]
    done = 0
    while turns:
        for turn in list(turns):
            if next(turn, None) is None:
                turns.remove(turn)
        placed = sum(len(crowd.buyers.placed) for crowd in crowds)
        if placed // 250 > done:
            done = placed // 250
            say(f"  {placed} orders placed")
        # What happens later to an order happens while it is being worked on.
        for crowd in crowds:
            crowd.buyers.go_on(keep=12)
        time.sleep(pace)
    for crowd in crowds:
        crowd.buyers.go_on()


def _tell_pairs(crowds: Sequence[Crowd]) -> None:
    counted: Counter[str] = Counter()
    for crowd in crowds:
        counted.update(f"{one.platform} → {crowd.merchant.store_platform}" for one in crowd.buyers.placed)
    print(f"  pairs          {', '.join(f'{pair} {n}' for pair, n in sorted(counted.items()))}")


def _count_last_units(result: Count, running: Running, crowd: Crowd) -> None:
    """The orders for the last units: exactly as many as there were units are in the store."""
    wanted = {one.id for one in crowd.buyers.placed if one.kind == "the last units"}
    made = sum(1 for order in running.sandbox.store_orders(crowd.merchant.store) if order["reference"] in wanted)
    right = min(len(wanted), SCARCE_UNITS)
    if made != right:
        result.wrong_stock.append(
            f"{crowd.shelf.scarce}: {made} of {len(wanted)} orders for {SCARCE_UNITS} units were created, not {right}"
        )


def _compare_our_figures(result: Count, running: Running, crowd: Crowd, *, seconds: float) -> None:
    """What we think is free must become what the store has: every hand-over settles."""
    store, before = crowd.merchant.store, crowd.before
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
