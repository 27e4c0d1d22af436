"""The platforms' own limits: token buckets, and how late a list shows a new order; in three profiles."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.sandbox.platforms import FOLDERS

if TYPE_CHECKING:
    from connectors.sandbox.world import World

PLATFORMS = FOLDERS
PROFILES = ("real", "demo", "off")
START_PROFILE = "demo"
DEMO_FACTOR = 100
"""How much faster than published `demo` is."""
LIST_DELAY = {"real": 120.0, "demo": 1.0, "off": 0.0}
"""Seconds until a list shows a new or changed order, by profile (Amazon: about two minutes)."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The outcome of asking a bucket. `rate` (per second) and `burst` in force; `wait`: seconds until enough."""

    ok: bool
    rate: float
    burst: float
    left: float
    wait: float


class Limits:
    """Token buckets by name, in memory: full again after a restart, as after a quiet minute at the real platform."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def _settings(self) -> dict[str, Any]:
        return self._world.table("settings").get("limits", {})

    def profile(self, platform: str) -> str:
        """Return `real`, `demo` or `off`."""
        return str(self._settings().get(platform, {}).get("profile", START_PROFILE))

    def list_delay(self, platform: str) -> float:
        """Return how many seconds late the platform's lists are."""
        given = self._settings().get(platform, {}).get("list_delay_seconds")
        return float(given) if given is not None else LIST_DELAY[self.profile(platform)]

    def in_force(self, platform: str, rate: float, burst: float) -> tuple[float, float]:
        """Return rate and burst under the platform's profile; `off` answers infinity."""
        profile = self.profile(platform)
        if profile == "off":
            return float("inf"), float("inf")
        if profile == "demo":
            rate *= DEMO_FACTOR
            # A burst below one second's worth would take away what the higher rate gives.
            burst = max(burst, rate)
        return rate, burst

    def take(self, platform: str, bucket: str, rate: float, burst: float, cost: float = 1.0) -> Taken:
        """Take `cost` from a bucket of published `rate` (per second) and `burst`; all of it or nothing."""
        rate, burst = self.in_force(platform, rate, burst)
        if rate == float("inf"):
            return Taken(True, rate, burst, burst, 0.0)
        now = time.monotonic()
        tokens, since = self._buckets.get((platform, bucket), (burst, now))
        tokens = min(burst, tokens + (now - since) * rate)
        ok = tokens >= cost
        if ok:
            tokens -= cost
        self._buckets[platform, bucket] = (tokens, now)
        return Taken(ok, rate, burst, tokens, 0.0 if ok else (cost - tokens) / rate)

    def give_back(self, platform: str, bucket: str, amount: float) -> None:
        """Return what was taken too much (Shopify charges the requested cost first and returns the rest)."""
        found = self._buckets.get((platform, bucket))
        if found:
            self._buckets[platform, bucket] = (found[0] + amount, found[1])

    def set(self, platforms: tuple[str, ...], profile: str, list_delay_seconds: float | None) -> None:
        """Put a profile in force; all buckets of these platforms are full again."""
        settings = dict(self._settings())
        for platform in platforms:
            settings[platform] = {"profile": profile, "list_delay_seconds": list_delay_seconds}
            for name in [name for name in self._buckets if name[0] == platform]:
                del self._buckets[name]
        self._world.put("settings", "limits", settings)

    def clear(self) -> None:
        """As at the start: every platform `demo`, buckets full."""
        self._world.drop("settings", "limits")
        self._buckets.clear()

    def describe(self) -> dict[str, Any]:
        """Return what is in force, for `GET /limits`."""
        return {
            platform: {"profile": self.profile(platform), "list_delay_seconds": self.list_delay(platform)}
            for platform in PLATFORMS
        }
