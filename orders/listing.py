"""The Orders list over a million rows: keyset paging, capped counts, no OFFSET (MECHANISMS 16).

How a query stays quick whatever is asked:
- one filter alone is an index led by the merchant and ending in the time of purchase;
- several values of one indexed filter are as many index scans, merged;
- a search (SKU, buyer's words, a range of totals) is *rare* or *popular*. Rare: its few orders come from their own
  index and are sorted. Popular: the newest orders are walked and most of them fit, so the walk ends early.
Call inside a scope.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import MarketplaceAccount, Store
from orders import bulk, search
from orders.filters import ON_THE_WAY, Filters
from orders.models import Order
from salestio import tenancy

PAGE = 50
CAP = 10_000
RARE = 5_000
"""Up to this many orders of one search are sorted; beyond it the walk over the newest ends early by itself."""

NOT_IN_STORE = ("held", "waiting", "imported", "unknown", "sending", "skipped", "canceled")
TO_SHIP = ("paid", "partially_shipped")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the list a page begins: the last row seen, the direction, and how many rows lie before it."""

    purchased_at: datetime
    order_id: int
    newer: bool = False
    before: int = 0

    def text(self) -> str:
        """Return it as an opaque word for the address."""
        micros = int(self.purchased_at.timestamp() * 1_000_000)
        plain = f"{'n' if self.newer else 'o'}.{micros}.{self.order_id}.{self.before}"
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Place | None:
        """Return the place a word stands for, None when it is not one of ours."""
        try:
            plain = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True).decode()
            way, micros, order_id, before = plain.split(".")
            at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(micros))
            if way not in ("n", "o") or not 0 <= int(order_id) < 2**63:
                return None
            return cls(at, int(order_id), way == "n", max(int(before), 0))
        except (ValueError, binascii.Error, UnicodeError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of the list, newest first."""

    orders: list[Order]
    first: int
    newer: str
    older: str

    @property
    def last(self) -> int:
        return self.first + len(self.orders) - 1


class Listing:
    """The orders that fit some filters; each question to the database is one method."""

    def __init__(
        self, filters: Filters, accounts: Sequence[MarketplaceAccount] = (), stores: Sequence[Store] = ()
    ) -> None:
        """Take the filters; `accounts` and `stores` of the merchant spare two queries where they were read already."""
        self.filters = filters
        self.accounts = {account.pk: account for account in accounts}
        self.stores = {store.pk: store for store in stores}
        self.now = timezone.now()
        # With other filters beside it, a search may be read further before it counts as popular.
        self.rare = RARE if filters.weight < 2 else RARE * 3
        self.popular = False
        self._ids: set[int] | None = None
        self._base = self._narrowed()
        self._branches = self._branched()

    # ── what fits ────────────────────────────────────────────────────────────────────────────────────────────────

    def _narrowed(self) -> QuerySet[Order]:
        asked = self.filters
        found = Order.objects.filter(merchant_id=tenancy.current_merchant_id())
        since, until = asked.bounds(self.now, timezone.get_current_timezone())
        if since:
            found = found.filter(purchased_at__gte=since)
        if until:
            found = found.filter(purchased_at__lt=until)
        if asked.fulfilled:
            found = found.filter(fulfilled_by=asked.fulfilled)
        if asked.order:
            found = found.filter(marketplace_order_id=asked.order)
        found = self._viewed(found)
        found = self._by_total(found)
        if asked.run:
            self._keep(bulk.ids_of(asked.run))
        if asked.sku:
            found = self._by_sku(found, asked.sku)
        if asked.buyer:
            found = self._by_buyer(found, asked.buyer)
        if asked.q:
            found = self._by_anything(found, asked.q)
        return found if self._ids is None else found.filter(pk__in=self._ids)

    def _viewed(self, found: QuerySet[Order]) -> QuerySet[Order]:
        view = self.filters.view
        if view == "ship":
            here = timezone.localtime(self.now)
            tonight = here.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            return found.filter(status__in=TO_SHIP, ship_by__lt=tonight, fulfilled_by="merchant")
        if view == "fba":
            return found.filter(fulfilled_by="marketplace")
        if view == "way":
            return found.exclude(reason_code="NOT_PAID_YET")
        return found

    def _by_total(self, found: QuerySet[Order]) -> QuerySet[Order]:
        low, high = self.filters.low, self.filters.high
        if low is None and high is None:
            return found
        return self._fitting(found, set(search.between(low, high, limit=self.rare + 1)), search.in_range(low, high))

    def _by_sku(self, found: QuerySet[Order], sku: str) -> QuerySet[Order]:
        hits = search.probe(sku=sku, limit=self.rare + 1)
        return self._fitting(found, hits.by_line, search.has_sku(sku))

    def _by_buyer(self, found: QuerySet[Order], words: str) -> QuerySet[Order]:
        hits = search.probe(words=words, limit=self.rare + 1)
        return self._fitting(found, hits.by_buyer, search.has_buyer(words))

    def _by_anything(self, found: QuerySet[Order], text: str) -> QuerySet[Order]:
        """The one box: an order id, a Shop Order ID or its number, a SKU, or whole words of a buyer; first that fits."""
        hits = search.probe(order=text, sku=text, words=text, limit=self.rare + 1)
        if hits.by_id:
            self._keep(hits.by_id)
            return found
        if hits.by_line:
            return self._fitting(found, hits.by_line, search.has_sku(text))
        return self._fitting(found, hits.by_buyer, search.has_buyer(text))

    def _fitting(self, found: QuerySet[Order], ids: set[int], condition: search.Condition) -> QuerySet[Order]:
        if len(ids) > self.rare:
            self.popular = True
            return found.extra(where=[condition.sql], params=list(condition.params))  # noqa: S610  ours, with parameters
        self._keep(ids)
        return found

    def _keep(self, ids: Iterable[int]) -> None:
        self._ids = set(ids) if self._ids is None else self._ids & set(ids)

    def _branched(self) -> list[QuerySet[Order]]:
        """Split on the first filter with several values: one index scan a value, merged by the caller."""
        asked = self.filters
        states = asked.states or {"needs": ("held",), "way": ON_THE_WAY}.get(asked.view, ())
        if asked.reasons and not states:
            # The index of open orders leads with the state; a cause alone would read all of it.
            states = NOT_IN_STORE
        if asked.states and asked.view in ("needs", "way"):
            allowed = ("held",) if asked.view == "needs" else ON_THE_WAY
            states = tuple(s for s in asked.states if s in allowed) or ("",)
        groups = [
            ("export_state", states), ("reason_code", asked.reasons), ("account_id", asked.accounts),
            ("status", asked.statuses), ("platform", asked.platforms),
        ]  # fmt: skip
        base = self._base
        split: tuple[str, Sequence[object]] = ("", ())
        for name, values in groups:
            if len(values) == 1:
                base = base.filter(**{name: values[0]})
            elif len(values) > 1 and not split[1] and self._ids is None:
                split = (name, values)
            elif values:
                base = base.filter(**{f"{name}__in": values})
        return [base.filter(**{split[0]: value}) for value in split[1]] if split[1] else [base]

    def fitting(self) -> QuerySet[Order]:
        """Return everything that fits, unsorted; only for filters with at most one value each."""
        return self._branches[0]

    # ── questions ────────────────────────────────────────────────────────────────────────────────────────────────

    def page(self, place: Place | None = None, size: int = PAGE) -> ListPage:
        """Return a page of orders with account and store. One query; two when several values are merged."""
        newer = bool(place and place.newer)
        orders = self._orders(place, size + 1, newer)
        more = len(orders) > size
        orders = orders[:size]
        if newer:
            orders.reverse()
        first = self._first(place, len(orders))
        has_newer = more if newer else place is not None
        has_older = newer or more
        if not orders:
            return ListPage([], first, "", "")
        top, bottom = orders[0], orders[-1]
        return ListPage(
            orders=orders,
            first=first,
            newer=Place(top.purchased_at, top.pk, True, first - 1).text() if has_newer else "",
            older=Place(bottom.purchased_at, bottom.pk, False, first + len(orders) - 1).text() if has_older else "",
        )

    def _orders(self, place: Place | None, limit: int, newer: bool) -> list[Order]:
        if len(self._branches) == 1:
            return self.attached(list(_from(self._branches[0], place, newer).order_by(*_order(newer))[:limit]))
        keys = self._keys(place, limit, newer)
        found = Order.objects.in_bulk([pk for _, pk in keys])
        return self.attached([found[pk] for _, pk in keys if pk in found])

    def attached(self, orders: list[Order]) -> list[Order]:
        """Give each order its account and store. Not by joins: with them PostgreSQL reads and sorts the whole table."""
        missing = {order.account_id for order in orders} - set(self.accounts)
        if missing:
            self.accounts |= MarketplaceAccount.objects.in_bulk(list(missing))
        missing = {order.store_id for order in orders} - set(self.stores)
        if missing:
            self.stores |= Store.objects.in_bulk(list(missing))
        for order in orders:
            order.account, order.store = self.accounts[order.account_id], self.stores[order.store_id]
        return orders

    @staticmethod
    def _first(place: Place | None, count: int) -> int:
        if place is None:
            return 1
        return max(place.before - count, 0) + 1 if place.newer else place.before + 1

    def _keys(self, place: Place | None, limit: int, newer: bool) -> list[tuple[datetime, int]]:
        parts = [
            _from(branch, place, newer).order_by(*_order(newer)).values_list("purchased_at", "pk")[:limit]
            for branch in self._branches
        ]
        if len(parts) == 1:
            return list(parts[0])
        # One statement: each part walks its own index, PostgreSQL merges what they give.
        return list(parts[0].union(*parts[1:], all=True).order_by(*_order(newer))[:limit])

    def count(self) -> int:
        """Return how many orders fit, at most CAP + 1. No query when a search has told it already.

        A popular search is not counted, which would take a walk over years: the answer is then `rare` + 1, "more than".
        """
        if self.popular:
            return self.rare + 1
        if self._ids is not None and self.filters.weight == 1 and self.filters.bounds(self.now, UTC) == (None, None):
            return len(self._ids)
        parts = [branch.order_by().values_list("pk")[: CAP + 1] for branch in self._branches]
        if len(parts) == 1:
            return parts[0].count()
        return min(parts[0].union(*parts[1:], all=True).count(), CAP + 1)

    def ids(self, limit: int = CAP) -> list[int]:
        """Return the ids of the orders that fit, newest first, at most `limit`."""
        return [pk for _, pk in self._keys(None, limit, False)]

    def newer_than(self, place: Place) -> int:
        """Return how many orders that fit are newer than a place, at most 99."""
        return len(self._keys(replace(place, newer=True), 99, True))

    def neighbors(self, order: Order) -> tuple[int | None, int | None]:
        """Return the ids of the newer and the older order beside this one."""
        at = Place(order.purchased_at, order.pk)
        sides = [
            _from(branch, at, newer).order_by(*_order(newer)).values_list("purchased_at", "pk")[:1]
            for branch in self._branches
            for newer in (True, False)
        ]
        found = list(sides[0].union(*sides[1:], all=True))
        newer_ones = [key for key in found if key > (order.purchased_at, order.pk)]
        older_ones = [key for key in found if key < (order.purchased_at, order.pk)]
        return (min(newer_ones)[1] if newer_ones else None), (max(older_ones)[1] if older_ones else None)


def _order(newer: bool) -> tuple[str, str]:
    return ("purchased_at", "pk") if newer else ("-purchased_at", "-pk")


def _from(branch: QuerySet[Order], place: Place | None, newer: bool) -> QuerySet[Order]:
    """Start at a place: a row comparison, so that PostgreSQL walks the index from there."""
    if place is None:
        return branch
    sign = ">" if newer else "<"
    return branch.extra(  # noqa: S610  both values are parameters, the sign is ours
        where=[f'("orders_order"."purchased_at", "orders_order"."id") {sign} (%s, %s)'],
        params=[place.purchased_at, place.order_id],
    )


def ship_today_count(limit: int = 999) -> int:
    """Return how many paid orders are to be shipped today or are late, at most `limit` + 1."""
    return Listing(Filters(view="ship")).fitting().order_by()[: limit + 1].count()
