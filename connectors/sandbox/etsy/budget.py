"""How often our application may call Etsy: calls a second, and calls in the last 24 hours in a sliding window.

Both belong to the app's key, not to a shop (Etsy's page on rate limits). The published figures are those seen for new
apps: 10 a second and 10,000 a day. They are kept in memory: a restart forgets what was spent.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from connectors.sandbox.limits import DEMO_FACTOR

if TYPE_CHECKING:
    from connectors.sandbox.server import Core

PER_SECOND, PER_DAY = 10, 10_000
_PART = 600
"""Seconds of one part of the sliding day: what was spent in a part comes back all at once."""
_DAY = 86_400
_OFF = 1_000_000
"""What the headers say while there are no limits."""


class Budget:
    """The app's calls: of this second and of the last 24 hours."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.clear()

    def clear(self) -> None:
        """Nothing spent, and the published figures again."""
        self._in_force: object = None
        self._given: dict[str, int] = {}
        self._parts: dict[int, int] = {}
        self._left, self._since = float(_OFF), time.monotonic()

    def set(self, *, per_second: int | None = None, per_day: int | None = None, used: int | None = None) -> None:
        """Put other figures in force, whatever the profile; `used` is what was spent in the part of the day now on."""
        self._renew()
        if per_second is not None:
            self._given["second"] = per_second
        if per_day is not None:
            self._given["day"] = per_day
        if used is not None:
            self._parts = {self._part(): used}

    def _renew(self) -> None:
        """Forget what was spent when other limits were put in force meanwhile (`POST /_control/limits`)."""
        settings = self._core.world.table("settings").get("limits", {}).get("etsy")
        if settings is not self._in_force:
            self._in_force, self._parts = settings, {}

    def per_second(self) -> int:
        """Return the calls a second in force."""
        return self._figure("second", PER_SECOND)

    def per_day(self) -> int:
        """Return the calls a day in force."""
        return self._figure("day", PER_DAY)

    def _figure(self, name: str, published: int) -> int:
        if name in self._given:
            return self._given[name]
        profile = self._core.limits.profile("etsy")
        return _OFF if profile == "off" else published * (DEMO_FACTOR if profile == "demo" else 1)

    def _now(self) -> int:
        return int(self._core.world.now().timestamp())

    def _part(self) -> int:
        return self._now() // _PART

    def used_today(self) -> int:
        """Return how many calls of the last 24 hours count."""
        self._renew()
        first = self._part() - _DAY // _PART
        if any(part <= first for part in self._parts):
            self._parts = {part: count for part, count in self._parts.items() if part > first}
        return sum(self._parts.values())

    def spend(self) -> tuple[int, str]:
        """Count one call. Returns (0, "") when it may go on, else (seconds to wait, Etsy's words)."""
        if self.used_today() >= self.per_day():
            oldest = min(self._parts, default=self._part())
            return max(1, oldest * _PART + _DAY + _PART - self._now()), "Exceeded daily rate limit"
        self._parts[self._part()] = self._parts.get(self._part(), 0) + 1
        rate, now = self.per_second(), time.monotonic()
        self._left = min(float(rate), self._left + (now - self._since) * rate)
        self._since = now
        if self._left < 1:
            return 1, "Exceeded per second rate limit"
        self._left -= 1
        return 0, ""

    def headers(self) -> dict[str, str]:
        """Return the headers with which Etsy shows what is left."""
        left = max(0, self.per_day() - self.used_today())
        return {
            "x-limit-per-second": str(self.per_second()),
            "x-remaining-this-second": str(min(self.per_second(), int(self._left))),
            "x-limit-per-day": str(self.per_day()),
            "x-remaining-today": str(left),
        }
