"""Whether a store lowers stock at creation, judged by what settling reads show."""

from __future__ import annotations

import pytest

from inventory.claims import Verdict, count_misses


def seen(expected: int, drop: int) -> Verdict:
    return Verdict(variant_id=1, expected=expected, seen=drop)


@pytest.mark.parametrize(
    ("before", "verdicts", "after"),
    [
        (0, [seen(2, 2)], 0),
        (2, [seen(2, 5)], 0),  # more went: the store sold some itself
        (0, [seen(2, 0)], 1),
        (0, [seen(2, -4)], 1),  # goods came in, nothing went
        (1, [seen(2, 1)], 1),  # something else moved the figure: nothing can be said
        (1, [seen(1, 0), seen(1, 1), seen(1, 0)], 1),
        (0, [seen(1, 0), seen(1, 0), seen(1, 0), seen(1, 1)], 3),  # once decided it stays decided
    ],
)
def test_misses_in_a_row_are_counted_and_a_hit_forgives_them(before: int, verdicts: list[Verdict], after: int) -> None:
    assert count_misses(before, verdicts) == after
