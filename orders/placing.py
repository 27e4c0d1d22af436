"""Which store orders still need to be asked where the store placed them (MECHANISMS 6); inventory asks through routes."""

from __future__ import annotations

from datetime import timedelta

from django.utils.timezone import now

from orders.models import StoreOrder


def to_place(*, store_id: int, limit: int = 50) -> list[tuple[int, str, int]]:
    """Return (store order row, the store's id, our order's id) of newly made orders, oldest first. In a scope."""
    rows = StoreOrder.objects.filter(
        store_id=store_id, state="created", placed_at=None, created_at__gt=now() - timedelta(days=7)
    ).order_by("created_at")
    return [(pk, remote, order) for pk, remote, order in rows.values_list("pk", "remote_id", "order_id")[:limit]]


def placed(*, store_order_ids: list[int]) -> None:
    """Note that these store orders' places are known."""
    StoreOrder.objects.filter(pk__in=store_order_ids).update(placed_at=now())
