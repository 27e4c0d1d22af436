"""What the Accounts page shows, as plain objects: three queries and one question, inside a scope."""

from __future__ import annotations

from dataclasses import dataclass

from accounts import connections
from accounts.models import MarketplaceAccount, Store
from connectors import registry
from salestio import routes
from salestio.templatetags.ui import span

HOURS = 24
PROMISE = 300.0
"""Seconds within which a paid order is visible here (F31)."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the small chart, in its 240 × 32 box."""

    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class AccountCard:
    """A marketplace account with what it did last."""

    account: MarketplaceAccount
    region: str
    per_hour: tuple[int, ...]
    lag: float | None = None
    """The 95th percentile of the import lag of the last 24 hours, in seconds; None without orders (F31)."""

    @property
    def sites(self) -> list[str]:
        """Return the sites it sells on; none for a marketplace that is one place."""
        return list(self.account.sites) if registry.platform(self.account.platform).sites else []

    @property
    def orders(self) -> int:
        """Return how many orders were bought within the last 24 hours."""
        return sum(self.per_hour)

    @property
    def lag_words(self) -> str:
        """Return the lag in words: "42 s"; never a good number of before while the account is not read."""
        if self.account.last_pull_at is None:
            return "not read yet"
        if self.account.unread:
            return "not known while it is not read"
        return "no orders in 24 h" if self.lag is None else span(self.lag)

    @property
    def late(self) -> bool:
        """Say whether orders took longer than promised."""
        return self.measured and self.lag is not None and self.lag > PROMISE

    @property
    def measured(self) -> bool:
        """Say whether the lag is a number of now."""
        return self.lag is not None and not self.account.unread

    @property
    def bars(self) -> list[Bar]:
        """Return the bars of the last 24 hours, oldest first; an hour with one order is still seen."""
        top = max(self.per_hour, default=0) or 1
        width = 240 / HOURS
        heights = [max(count / top * 30, 2.0) if count else 0.0 for count in self.per_hour]
        return [Bar(round(i * width, 2), round(32 - h, 2), round(h, 2)) for i, h in enumerate(heights) if h]


@dataclass(frozen=True, slots=True)
class StoreCard:
    """A store with its address in its own admin."""

    store: Store
    admin_url: str
    accounts: int


def account_cards() -> list[AccountCard]:
    """Return the merchant's accounts; those that need somebody first, then by name."""
    accounts = list(MarketplaceAccount.objects.select_related("store").order_by("name"))
    order = {"expired": 0, "active": 1, "disabled": 2}
    accounts.sort(key=lambda account: order.get(account.state, 1))
    hours: dict[int, list[int]] = routes.ask("orders.per_hour", hours=HOURS)
    lags: dict[int, float] = routes.ask("orders.import_lag", hours=HOURS)
    return [
        AccountCard(
            account,
            registry.platform(account.platform).regions.get(account.region, ""),
            tuple(hours.get(account.pk, [0] * HOURS)),
            lags.get(account.pk),
        )
        for account in accounts
    ]


def store_cards() -> list[StoreCard]:
    """Return the merchant's stores in the order they were connected."""
    stores = list(Store.objects.order_by("created_at", "pk"))
    fed = list(MarketplaceAccount.objects.values_list("store_id", flat=True))
    return [StoreCard(store, connections.admin_page(store), fed.count(store.pk)) for store in stores]
