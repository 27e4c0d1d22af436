"""The benches: each prints its figure beside a denominator measured in the same run, its goal and the limit profile.

    ./run bench [name …] [--orders N] [--backlog N] [--data DIR] [--ports WEB SANDBOX]

Names: push, export, webhooks, fairness, throughput, pairs, start, hot-sku, orders-page. Without a name all but orders-page,
which fills a database with a million orders first. See docs/benches.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench import doors, idle, pairs, start, throughput
from bench.figures import Figure
from bench.inside import environment_of, run_inside
from bench.outside import ROOT, Failed, Running, say

WORLD: dict[str, Callable[[Running, argparse.Namespace], list[Figure]]] = {
    "push": lambda running, given: idle.push(running),
    "export": lambda running, given: idle.export(running),
    "webhooks": lambda running, given: doors.measure(running),
    "fairness": lambda running, given: idle.fairness(running, backlog=given.backlog),
    "throughput": lambda running, given: throughput.measure(running, orders=given.orders),
    "pairs": lambda running, given: pairs.measure(running),
    "hot-sku": lambda running, given: hot_sku(running),
    "orders-page": lambda running, given: orders_page(running),
}
"""Bench → what measures it on a run. One run serves all of them, in this order."""
OWN_RUN: dict[str, Callable[[], list[Figure]]] = {"start": start.measure}
BY_NAME_ONLY = {"orders-page"}


def hot_sku(running: Running) -> list[Figure]:
    """Reservations a second on one hot SKU, by the bench of its own, on this run's database."""
    found = run_inside(running.directory, module="bench.hot_sku")
    rate, raw = found["reservations_per_second"], found["raw_updates_per_second"]
    beside = f"raw conditional UPDATE {raw}/s; one order a transaction {found['one_order_a_transaction_per_second']}/s"
    return [Figure("reservations/s, one hot SKU, 16 clients", f"{rate} ({found['share_of_raw']:.0%})", ">= 50 %",
                   found["share_of_raw"] >= 0.5, beside)]  # fmt: skip


def orders_page(running: Running) -> list[Figure]:
    """The Orders page with a million orders, by the bench of its own; its lines are printed as they are."""
    env = environment_of(running.directory)
    seeded = subprocess.run(
        [sys.executable, "-m", "bench.seed_orders", "--orders", "1000000"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    number = "".join(c for c in (seeded.stdout.strip().splitlines() or [""])[-1] if c.isdigit() or c == " ").split()
    if seeded.returncode or not number:
        raise Failed(f"the orders were not seeded: {seeded.stderr[-1000:]}")
    command = [sys.executable, "-m", "bench.orders_page", "--merchant", number[0]]
    answer = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    print(answer.stdout)
    return [
        Figure(
            "Orders page, 1,000,000 orders, slowest filter",
            "see above",
            "p95 <= 60 ms, <= 12 queries",
            not answer.returncode,
        )
    ]


def main(given: list[str]) -> int:
    """Run the benches named, print the table, return 0 when every goal is met."""
    parser = argparse.ArgumentParser(
        prog="./run bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join([*WORLD, *OWN_RUN]))
    parser.add_argument("--orders", type=int, default=500, help="waiting in each of the ten accounts (goal: 2000)")
    parser.add_argument("--backlog", type=int, default=20_000, help="orders waiting in the busy lane (goal: 100000)")
    parser.add_argument("--ports", type=int, nargs=2, metavar=("WEB", "SANDBOX"), help="default: any two free ones")
    parser.add_argument("--data", type=Path, help="use the run of this data directory instead of a new one")
    options = parser.parse_args(given)
    names = options.names or [name for name in [*WORLD, *OWN_RUN] if name not in BY_NAME_ONLY]
    if unknown := [name for name in names if name not in WORLD and name not in OWN_RUN]:
        parser.error(f"there is no bench {unknown[0]}; there are {', '.join([*WORLD, *OWN_RUN])}")
    figures: list[Figure] = []
    if any(name in WORLD for name in names):
        ports = tuple(options.ports) if options.ports else None
        with Running.attach(options.data) if options.data else Running.start(ports=ports) as running:  # type: ignore[arg-type]
            for name in names:
                if name in WORLD:
                    figures += _one(name, lambda name=name: WORLD[name](running, options))  # type: ignore[misc]
    for name in names:
        if name in OWN_RUN:
            figures += _one(name, OWN_RUN[name])
    print(f"── {len(figures)} figures on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for figure in figures:
        print(figure.line())
    return 1 if any(figure.ok is False for figure in figures) else 0


def _one(name: str, measure: Callable[[], list[Figure]]) -> list[Figure]:
    say(f"── {name}")
    try:
        found = measure()
    except Failed as error:
        found = [Figure(name, f"could not be measured: {error}", "", False)]
    for figure in found:
        say(figure.line())
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
