"""Daily budgets: taken in blocks, shared by workers, never above the limit."""

from __future__ import annotations

import pytest

from accounts.budgets import DatabaseBudgets
from accounts.models import DailyBudget

pytestmark = pytest.mark.django_db


def test_two_workers_together_never_take_more_than_the_limit() -> None:
    one, two = DatabaseBudgets(), DatabaseBudgets()
    taken = 0
    for _ in range(200):
        taken += sum(1 for worker in (one, two) if worker.take("etsy.app", limit=130) == 0.0)

    assert taken == 130
    assert DailyBudget.objects.get(name="etsy.app").used == 130


def test_a_used_up_budget_tells_the_seconds_until_midnight() -> None:
    budgets = DatabaseBudgets()
    budgets.take("ebay.app", limit=1)

    assert 0 < budgets.take("ebay.app", limit=1) <= 86400


def test_a_block_costs_the_database_once() -> None:
    budgets = DatabaseBudgets(block=50)
    budgets.take("x", limit=1000)

    assert DailyBudget.objects.get(name="x").used == 50


def test_what_the_platform_says_was_used_counts_and_never_lowers_our_count() -> None:
    budgets = DatabaseBudgets(block=1)
    budgets.correct("y", used=90)
    budgets.correct("y", used=10)

    assert sum(budgets.take("y", limit=100) == 0.0 for _ in range(20)) == 10


def test_one_merchants_backlog_never_uses_up_what_another_is_sure_of() -> None:
    budgets = DatabaseBudgets()
    budgets.take("etsy:day", limit=100, who="quiet")
    greedy = sum(budgets.take("etsy:day", limit=100, who="greedy") == 0.0 for _ in range(200))
    quiet = 1 + sum(budgets.take("etsy:day", limit=100, who="quiet") == 0.0 for _ in range(50))

    assert quiet >= 25
    assert greedy <= 75
    assert greedy + quiet <= 100


def test_who_is_alone_may_use_the_whole_day() -> None:
    budgets = DatabaseBudgets()

    assert sum(budgets.take("alone", limit=120, who="only one") == 0.0 for _ in range(200)) == 120


def test_listings_stop_before_stock_and_stock_before_orders() -> None:
    budgets = DatabaseBudgets(block=1)
    taken = {
        kind: sum(budgets.take("day", limit=100, kind=kind) == 0.0 for _ in range(200))
        for kind in ("listings", "stock", "orders")
    }

    assert taken == {"listings": 80, "stock": 10, "orders": 10}


def test_a_limit_that_was_learnt_is_known_to_every_worker() -> None:
    DatabaseBudgets().learn("ebay.sell", limit=5000)

    assert DatabaseBudgets().learned("ebay.sell") == 5000
    assert DatabaseBudgets().learned("unknown") is None
