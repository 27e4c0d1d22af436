"""Bar charts as plain numbers: the server works out every coordinate, the template draws SVG, a table tells the same. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEFT, RIGHT, TOP, BOTTOM = 34, 6, 14, 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One piece of a stacked bar."""

    css: str
    x: float
    y: float
    width: float
    height: float
    tip: str


@dataclass(frozen=True, slots=True)
class Label:
    """A word at a point."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart in its own units."""

    width: int
    height: int
    bars: Sequence[Bar]
    grid: Sequence[Label]
    ticks: Sequence[Label]
    tops: Sequence[Label]
    compare: str
    now_x: float | None
    now_text: str
    empty: bool

    @property
    def plot_right(self) -> int:
        return self.width - RIGHT

    @property
    def plot_bottom(self) -> int:
        return self.height - BOTTOM


@dataclass(frozen=True, slots=True)
class Series:
    """A channel's numbers, one a column."""

    name: str
    values: Sequence[int]


def ceiling(highest: int) -> int:
    """Return a round number at or above the highest value: 4, 8, 20, 40, 100, 150, 200 …; at least 4."""
    if highest <= 4:
        return 4
    size = 10 ** int(math.log10(highest))
    for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 10):
        if size * factor >= highest and (size * factor) % 1 == 0:
            return int(size * factor)
    return size * 10


def stacked(
    series: Sequence[Series],
    labels: Sequence[str],
    *,
    width: int,
    height: int,
    every: int = 1,
    compare: Sequence[int] = (),
    now_at: float | None = None,
    now_text: str = "",
    totals: bool = False,
) -> Chart:
    """Draw stacked columns, one a label; at most three series are told apart by lightness.

    `compare` is drawn as dotted steps, `now_at` (0 to 1 of the width) as a line, `totals` writes the sum on each column.
    """
    columns = len(labels)
    sums = [sum(one.values[i] for one in series) for i in range(columns)]
    top = ceiling(max([*sums, *compare, 0]))
    plot_w, plot_h = width - LEFT - RIGHT, height - TOP - BOTTOM
    step = plot_w / max(columns, 1)
    gap = max(min(step * 0.18, 10), 1.5)

    def y_of(value: float) -> float:
        return TOP + plot_h * (1 - value / top)

    bars, tops = [], []
    for i in range(columns):
        base = 0
        for number, one in enumerate(series):
            value = one.values[i]
            if not value:
                continue
            high, low = y_of(base + value), y_of(base)
            bars.append(
                Bar(f"c{min(number, 2) + 1}", round(LEFT + i * step + gap / 2, 1), round(high, 1), round(step - gap, 1),
                    round(max(low - high - 1, 0.6), 1), f"{labels[i]}, {one.name}: {value:,}")
            )  # fmt: skip
            base += value
        if totals and sums[i]:
            tops.append(Label(round(LEFT + (i + 0.5) * step, 1), round(y_of(sums[i]) - 4, 1), f"{sums[i]:,}"))
    grid = [Label(LEFT, round(y_of(top * part / 2), 1), f"{top * part // 2:,}") for part in (0, 1, 2)]
    ticks = [
        Label(round(LEFT + (i + (0.5 if totals else 0)) * step, 1), height - 7, labels[i])
        for i in range(0, columns, every)
    ]
    return Chart(
        width=width, height=height, bars=bars, grid=grid, ticks=ticks, tops=tops, compare=_steps(compare, step, y_of),
        now_x=round(LEFT + now_at * plot_w, 1) if now_at is not None else None, now_text=now_text, empty=not any(sums),
    )  # fmt: skip


def _steps(values: Sequence[int], step: float, y_of: object) -> str:
    """Return the points of a dotted line that keeps each column's level."""
    if not any(values):
        return ""
    points = []
    for i, value in enumerate(values):
        y = round(y_of(value), 1)  # type: ignore[operator]
        points += [f"{LEFT + i * step:.1f},{y}", f"{LEFT + (i + 1) * step:.1f},{y}"]
    return " ".join(points)
