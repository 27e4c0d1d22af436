"""How figures are said, and what processes are said to cost."""

from __future__ import annotations

import os
import time

from bench.buyers import KINDS
from bench.figures import Figure, cpu_seconds, family, memory_megabytes, percentile


def test_a_line_names_goal_denominator_and_profile() -> None:
    figure = Figure("orders/s", "92", ">= 80", True, "bare script 200", "real")

    assert figure.line() == "ok   orders/s: 92 · goal >= 80 · bare script 200 · [real]"


def test_a_missed_goal_is_marked() -> None:
    assert Figure("orders/s", "12", ">= 80", False).line().startswith("MISS orders/s: 12")


def test_percentiles_of_few_values_are_the_worst_ones() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.95) == 3.0
    assert percentile(list(map(float, range(100))), 0.5) == 50.0


def test_cpu_and_memory_of_this_process_are_read() -> None:
    before = cpu_seconds([os.getpid()])
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass

    assert cpu_seconds([os.getpid()]) >= before
    assert memory_megabytes([os.getpid()]) > 1
    assert family(os.getpid())[0] == os.getpid()


def test_the_shares_of_the_storm_add_up_to_all_orders() -> None:
    assert sum(kind.share for kind in KINDS.values()) == 100
