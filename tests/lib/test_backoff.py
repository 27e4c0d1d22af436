"""When to try again."""

from __future__ import annotations

import pytest

from salestio.lib.backoff import DAY, HOUR, MINUTE, doubling, retry_delay, stock_recheck


def test_the_stated_schedule_is_kept_and_given_up_after_seven_days() -> None:
    waits = [retry_delay(attempt, age=0, jitter=0) for attempt in range(1, 7)]

    assert waits == [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, 6 * HOUR]
    assert retry_delay(20, age=7 * DAY + 1) is None


def test_jitter_only_adds_and_adds_little() -> None:
    assert all(MINUTE <= (retry_delay(1, age=0) or 0) <= 1.1 * MINUTE for _ in range(200))


@pytest.mark.parametrize(("attempt", "most"), [(1, 1.0), (4, 8.0), (60, 900.0)])
def test_doubling_grows_to_its_cap(attempt: int, most: float) -> None:
    assert doubling(attempt, jitter=False) == most
    assert 0 <= doubling(attempt) <= most


def test_a_variant_short_of_stock_is_looked_at_ever_less_and_in_the_end_not_at_all() -> None:
    assert [stock_recheck(age) for age in (0, 2 * DAY, 8 * DAY)] == [10 * MINUTE, HOUR, None]
