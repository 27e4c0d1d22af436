"""Charts are plain numbers: bars stay in their box, pieces stack to the sum, the top is a round number."""

from __future__ import annotations

import pytest

from orders.charts import Series, ceiling, stacked


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 4), (3, 4), (9, 10), (17, 20), (101, 150), (180, 200), (411, 500), (9_999, 10_000)]
)
def test_the_scale_ends_at_a_round_number(highest: int, top: int) -> None:
    assert ceiling(highest) == top


def test_bars_stay_inside_the_plot_and_stack_without_overlap() -> None:
    chart = stacked([Series("US", [5, 0, 12]), Series("UK", [3, 1, 4])], ["a", "b", "c"], width=300, height=120)

    for bar in chart.bars:
        assert bar.x >= 34 and bar.x + bar.width <= chart.plot_right + 0.2
        assert bar.y >= 0 and bar.y + bar.height <= chart.plot_bottom + 0.2
    first = [bar for bar in chart.bars if bar.tip.startswith("a")]
    assert first[1].y + first[1].height <= first[0].y
    assert len(chart.bars) == 5


def test_more_than_three_series_share_the_lightest_color() -> None:
    chart = stacked([Series(str(i), [1]) for i in range(5)], ["a"], width=300, height=120)

    assert [bar.css for bar in chart.bars] == ["c1", "c2", "c3", "c3", "c3"]


def test_a_chart_without_orders_says_so() -> None:
    assert stacked([Series("US", [0, 0])], ["a", "b"], width=300, height=120).empty


def test_the_comparison_keeps_each_columns_level() -> None:
    chart = stacked([Series("US", [1, 1])], ["a", "b"], width=300, height=120, compare=[2, 4])

    points = [tuple(map(float, point.split(","))) for point in chart.compare.split()]
    assert points[0][1] == points[1][1] > points[2][1] == points[3][1]
