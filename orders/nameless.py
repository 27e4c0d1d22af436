"""What a marketplace sends that no row can hold, told to a person: orders without a usable id, changes of known ones.

An id is what an order is known by, here and in the store: without one nothing can be found again, so nothing is made. An
alert says which account it is, when the page came, and what of the order is nobody's personal data. It closes when the
order comes with an id, or when a person says that it is seen to, and stays closed then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q

from accounts.models import MarketplaceAccount
from connectors.contract.types import MarketplaceOrder
from notifications import alerts
from notifications.models import Alert
from orders import source
from orders.models import Order
from salestio.lib.text import cut

KIND = "order_without_id"
UNKEPT = "order_unreadable"
LONGEST = 60
LINES_TOLD = 5


def usable(order_id: Any) -> bool:
    """Say whether an order can be known by this id: a text that is not empty, no longer than its column, and legible."""
    return (
        isinstance(order_id, str) and 0 < len(order_id.strip()) <= len(order_id) <= LONGEST and order_id.isprintable()
    )


def parted(orders: Sequence[MarketplaceOrder]) -> tuple[dict[str, MarketplaceOrder], list[MarketplaceOrder]]:
    """Return the orders by their id, the last of each, and those that have none."""
    return (
        {order.order_id: order for order in orders if usable(order.order_id)},
        [order for order in orders if not usable(order.order_id)],
    )


def tell(account: MarketplaceAccount, orders: Sequence[MarketplaceOrder], *, read_at: datetime) -> None:
    """Open an alert for each order that is not known to have been seen to. In a scope."""
    for order in orders:
        key = _key(account, order)
        if not Alert.objects.filter(kind=KIND, key=key).exclude(closed_at=None).exists():
            alerts.raise_alert(kind="order_without_id", key=key, data=_facts(account, order, read_at))


def seen_again(account: MarketplaceAccount, orders: Collection[MarketplaceOrder], order_ids: Collection[int]) -> None:
    """Close the alerts of orders that have come with an id after all, and of rows told anew in a way we can keep.

    In a scope; one question a page where there is nothing to close.
    """
    nameless = Q(kind=KIND, key__startswith=f"{account.pk}:")
    unkept = Q(kind=UNKEPT, key__in=[str(pk) for pk in order_ids])
    waiting = list(Alert.objects.filter(nameless | unkept, closed_at=None).values_list("kind", "key"))
    if not waiting:
        return
    known = {_key(account, order) for order in orders}
    for kind, key in waiting:
        if kind == UNKEPT or key in known:
            alerts.close(kind=kind, key=key)


def tell_unkept(account: MarketplaceAccount, row: Order) -> None:
    """Open an alert: an order that is in the store, or may be, changed in a way no row can hold. In a scope."""
    alerts.raise_alert(
        kind="order_unreadable",
        key=str(row.pk),
        data={
            "order": row.marketplace_order_id, "order_id": row.pk, "account": account.name, "platform": account.platform,
            "store_platform": account.store.platform, "store_order": row.store_order_name or "its store order",
            "problem": source.TOO_LARGE,
        },
    )  # fmt: skip


def _key(account: MarketplaceAccount, order: MarketplaceOrder) -> str:
    """Return what the order is known by without its id: its lines, which have ids of their own, else all that was sent."""
    lines = sorted(str(line.line_id) for line in order.lines if line.line_id)
    told = repr(lines or order.raw or source.content_hash(order))
    return f"{account.pk}:{hashlib.blake2b(told.encode(errors='backslashreplace'), digest_size=16).hexdigest()}"


def _facts(account: MarketplaceAccount, order: MarketplaceOrder, read_at: datetime) -> dict[str, Any]:
    """Return the alert's data: only what is surely not about a person, from fields of our own choosing."""
    sold = [f"{line.quantity} × {_legible(line.seller_sku or line.item_id, 40) or 'no SKU'}" for line in order.lines]
    more = len(sold) - LINES_TOLD
    sent = [
        f"bought {_minute(order.purchased_at)}",
        order.status.value,
        f"{cut(str(order.total), 20)} {_legible(order.currency, 3)}" if order.total is not None else "",
        ", ".join(sold[:LINES_TOLD]) + (f" and {more} more" if more > 0 else ""),
    ]
    return {
        "account": account.name,
        "id": account.pk,
        "platform": account.platform,
        "read_at": f"{read_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "what_id": _what(order.order_id),
        "sent": "; ".join(part for part in sent if part),
    }


def _what(order_id: Any) -> str:
    """Return what is wrong with an id in words. Its own text is not repeated: it may be anything, a name too."""
    if not isinstance(order_id, str):
        return "an id that is no text"
    if not order_id.strip():
        return "no id"
    if len(order_id) > LONGEST:
        return f"an id of {len(order_id):,} characters"
    return "an id with signs that are no letters"


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _legible(text: Any, limit: int) -> str:
    return cut("".join(sign if sign.isprintable() else "�" for sign in str(text or "").strip()), limit)
