"""What the tests of this folder share: a configuration that points at a test server, and a store of daily budgets."""

from __future__ import annotations

from connectors.etsy.config import EtsyConfig
from connectors.http import Deadlines

WEBHOOK_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def config(url: str) -> EtsyConfig:
    return EtsyConfig(
        keystring="testkeystring",
        shared_secret="testsecret",
        webhook_secret=WEBHOOK_SECRET,
        api=f"{url}/etsy",
        token=f"{url}/etsy",
        site=f"{url}/etsy/site",
        deadlines=Deadlines(connect=0.5, read=1, total=2),
    )


class Budgets:
    """A `BudgetStore` in memory; `wait` is what the next take answers."""

    def __init__(self) -> None:
        self.wait = 0.0
        self.taken: list[tuple[str, int, int, str, str]] = []
        self.corrected: list[tuple[str, int]] = []
        self.limits: dict[str, int] = {}

    def take(self, name: str, *, limit: int, units: int = 1, who: str = "", kind: str = "orders") -> float:
        if self.wait <= 0:
            self.taken.append((name, limit, units, who, kind))
        return self.wait

    def correct(self, name: str, *, used: int) -> None:
        self.corrected.append((name, used))

    def learned(self, name: str) -> int | None:
        return self.limits.get(name)

    def learn(self, name: str, *, limit: int) -> None:
        self.limits[name] = limit
