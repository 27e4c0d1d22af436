"""What would be sent if read-only mode were off (F13): orders ready for their store, and what the outbox owes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Count, Min, QuerySet, Sum
from django.urls import reverse

from accounts.models import MarketplaceAccount, Store
from accounts.read_only import CODE
from orders.models import Order, OrderTally
from salestio.lib.text import counted
from salestio.outbox.dispatch import READ_ONLY
from salestio.outbox.models import OutboxRow

ROWS = 20
WORDS = {
    "orders.steps.cancel.cancel_in_store": "Cancel store orders",
    "inventory.move.move_part": "Move store orders to another location",
    "accounts.connect.set_up_store": "Set up notifications in the store",
    "accounts.connect.set_up_account": "Set up notifications at the marketplace",
}
"""Outbox handler → what it would do."""


@dataclass(frozen=True, slots=True)
class Held:
    """One kind of change that waits. `url` leads to the list, where there is one; `items` are (words, address)."""

    words: str
    where: str
    count: int
    url: str = ""
    items: tuple[tuple[str, str], ...] = ()
    first: datetime | None = None


def counted_words() -> str:
    """Return "12 orders and 3 other changes", or "" when nothing waits: two counts, from the tally and an index."""
    orders = OrderTally.objects.filter(export_state="waiting", reason_code=CODE).aggregate(n=Sum("change"))["n"] or 0
    others = _owed().count()
    return " and ".join(
        words
        for number, words in ((orders, counted(orders, "order")), (others, counted(others, "other change")))
        if number
    )


def _owed() -> QuerySet[OutboxRow]:
    return OutboxRow.objects.filter(state=OutboxRow.State.PENDING, error_code=READ_ONLY)


def everything() -> list[Held]:
    """Return every kind of change that waits, orders first. In the merchant's scope."""
    return [*_orders(), *_others()]


def _orders() -> list[Held]:
    names = {account.pk: account for account in MarketplaceAccount.objects.select_related("store")}
    waiting = Order.objects.filter(export_state="waiting", reason_code=CODE)
    found = []
    for row in waiting.values("account_id").annotate(n=Count("id"), first=Min("state_since")).order_by("account_id"):
        account = names[row["account_id"]]
        query = urlencode({"reason": CODE, "account": account.pk, "placed": "all"})
        found.append(
            Held(
                words=f"Create orders of {account.name}",
                where=account.store.name,
                count=row["n"],
                url=f"{reverse('orders:list')}?{query}",
                first=row["first"],
            )
        )
    return found


def _others() -> list[Held]:
    stores = dict(Store.objects.values_list("pk", "name"))
    found = []
    for row in _owed().values("handler", "store_ref").annotate(n=Count("id"), first=Min("created_at")):
        rows = _owed().filter(handler=row["handler"], store_ref=row["store_ref"]).order_by("created_at")[:ROWS]
        orders = Order.objects.in_bulk([one.subject["order_id"] for one in rows if one.subject.get("order_id")])
        found.append(
            Held(
                words=WORDS.get(row["handler"], "Other changes"),
                where=stores.get(row["store_ref"] or 0, ""),
                count=row["n"],
                items=tuple(
                    (order.marketplace_order_id, reverse("orders:detail", args=[order.pk])) for order in orders.values()
                ),
                first=row["first"],
            )
        )
    return sorted(found, key=lambda held: (held.words, held.where))
