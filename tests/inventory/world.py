"""A small merchant with a store, locations and variants, and what these tests listen to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from accounts.models import Merchant, Store
from inventory import stock as stock_module
from inventory.domain.stock import Ask, AskLine
from inventory.models import LedgerEntry, Location, Reservation, Stock, Variant
from salestio import tenancy

PAID = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
heard: list[tuple[str, dict[str, Any]]] = []
"""What the code under test told other apps, in order."""


def on_stock_changed(**facts: Any) -> None:
    heard.append(("stock.changed", facts))


def on_catalog_changed(**facts: Any) -> None:
    heard.append(("catalog.changed", facts))


def on_placed(**facts: Any) -> None:
    heard.append(("order.placed", facts))


def told(event: str) -> list[dict[str, Any]]:
    return [facts for name, facts in heard if name == event]


def new_merchant(name: str = "Northpine") -> Merchant:
    """Make a merchant the way the app role can: its id is taken first, so that the row is its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('accounts_merchant_id_seq')")
        (merchant_id,) = cursor.fetchone()
    with tenancy.scope(merchant_id):
        return Merchant.objects.create(id=merchant_id, name=name)


@dataclass
class World:
    """One merchant's store. `order(n)` makes ids and times of orders; there are no order rows here."""

    merchant: Merchant
    store: Store
    locations: list[Location] = field(default_factory=list)

    @classmethod
    def make(cls, *, locations: int = 1, claims_stock: str = "at_creation", name: str = "Northpine") -> World:
        merchant = new_merchant(name)
        with tenancy.scope(merchant.id):
            store = Store.objects.create(
                merchant=merchant, platform="shopify", key=f"shop-{merchant.id}", name=name, claims_stock=claims_stock
            )
            places = [
                Location.objects.create(merchant=merchant, store=store, remote_id=f"loc-{n}", name=f"Place {n}")
                for n in range(locations)
            ]
        return cls(merchant, store, places)

    def scope(self) -> Any:
        return tenancy.scope(self.merchant.id)

    def variant(self, sku: str, *figures: int, **facts: Any) -> Variant:
        """Make a variant whose figure at the n-th location was read just now."""
        with self.scope():
            made = Variant.objects.create(
                merchant=self.merchant,
                store=self.store,
                sku=sku,
                remote_id=f"v-{sku}",
                product_id=f"p-{sku}",
                item_id=f"i-{sku}",
                product_title=sku,
                **facts,
            )
            self.read({sku: figures})
        return made

    def read(self, figures: dict[str, Sequence[int]], *, at: datetime | None = None) -> stock_module.Stored:
        """A read of the store came back: units by SKU and location. `at` is when it left; now by default."""
        with self.scope():
            return stock_module.set_from_store(
                store_id=self.store.id,
                readings=[
                    (f"i-{sku}", self.locations[n].remote_id, units)
                    for sku, places in figures.items()
                    for n, units in enumerate(places)
                ],
                as_of=at or clock(),
            )

    def stock(self, variant: Variant, location: Location | None = None) -> Stock:
        with self.scope():
            return Stock.objects.get(variant=variant, location=location)

    def only_stock(self, variant: Variant) -> Stock:
        return self.stock(variant, self.locations[0])

    def reservations(self, order_id: int) -> list[Reservation]:
        with self.scope():
            return list(Reservation.objects.filter(order_ref=order_id).select_related("stock").order_by("id"))

    def ledger(self) -> list[LedgerEntry]:
        with self.scope():
            return list(LedgerEntry.objects.order_by("id"))


def clock() -> datetime:
    """The database's clock, now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def ask(order_id: int, *wishes: tuple[Variant, int], location: Location | None = None, **facts: Any) -> Ask:
    """An order paid `order_id` minutes after the first."""
    return Ask(
        order_id,
        PAID + timedelta(minutes=order_id),
        tuple(AskLine(order_id * 10 + n, variant.id, units) for n, (variant, units) in enumerate(wishes)),
        location.id if location else None,
        **facts,
    )
