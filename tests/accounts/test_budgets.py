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
