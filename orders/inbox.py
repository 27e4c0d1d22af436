"""What the store tells us about orders we made."""

from __future__ import annotations

from typing import Any

from django.utils.timezone import now

from accounts import audit, connections
from accounts.models import Store
from inventory import reservations
from orders import personal
from orders.models import Order, OrderEvent, StoreOrder
from salestio import tenancy


def on_order_gone(merchant_id: int, store_id: int, object_ids: list[Any], rows: list[Any]) -> None:
    """A store order was canceled or deleted: look, show it, and end its reservation once; nothing is made again by itself."""
    with tenancy.scope(merchant_id):
        store = Store.objects.get(pk=store_id)
        ours = list(
            StoreOrder.objects.filter(
                store_id=store_id, remote_id__in=[str(one) for one in object_ids], state="created"
            )
        )
    for made in ours:
        found = connections.storefront(store).get_order(made.remote_id)
        if found is not None and not found.canceled:
            continue
        _gone(merchant_id, made, how="canceled" if found else "deleted")


def on_order_changed(merchant_id: int, store_id: int, object_ids: list[Any], rows: list[Any]) -> None:
    """A store order has another status: where stock is taken at shipping, look whether its units have left.

    Shipments themselves come with a later issue; here only stock is at stake.
    """
    with tenancy.scope(merchant_id):
        store = Store.objects.get(pk=store_id)
        ours = _made(store, remote_id__in=[str(one) for one in object_ids])
    _look_what_left(merchant_id, store, ours)


def look_what_left(merchant_id: int, store: Store) -> int:
    """Ask about store orders whose units wait to leave, because webhooks get lost; return how many had left."""
    with tenancy.scope(merchant_id):
        ours = _made(store, order_id__in=reservations.waiting_to_leave(store.pk))
    return _look_what_left(merchant_id, store, ours)


def _made(store: Store, **which: Any) -> list[StoreOrder]:
    """Return store orders we made, where the store takes stock at shipping; none elsewhere."""
    if store.claims_stock != "at_shipping":
        return []
    return list(StoreOrder.objects.filter(store_id=store.pk, state="created", **which))


def _look_what_left(merchant_id: int, store: Store, ours: list[StoreOrder]) -> int:
    shipped = 0
    for made in ours:
        found = connections.storefront(store).get_order(made.remote_id)
        if found is not None and found.left:
            with tenancy.scope(merchant_id):
                shipped += bool(
                    reservations.left(store_id=store.pk, platform=store.platform, order_ids=[made.order_id])
                )
    return shipped


def _gone(merchant_id: int, made: StoreOrder, *, how: str) -> None:
    with tenancy.scope(merchant_id):
        order = Order.objects.select_for_update().select_related("store").get(pk=made.order_id)
        changed = StoreOrder.objects.filter(pk=made.pk, state="created").update(state="gone", gone_at=now())
        if not changed:
            return
        reservations.release(order_ids=[order.pk], cause=f"{how} in the store", handed_over=True)
        facts = {"names": [made.name], "how": how, "platform": order.platform, "store_platform": order.store.platform,
                 "order": order.marketplace_order_id}  # fmt: skip
        Order.objects.filter(pk=order.pk, export_state="created").update(reason_code="GONE_IN_STORE", reason_data=facts)
        OrderEvent.objects.create(
            merchant_id=merchant_id,
            order_id=order.pk,
            stage="change",
            code="GONE_IN_STORE",
            data=facts,
            actor=order.store.name,
        )


def on_erase_buyer(merchant_id: int, store_id: int, object_ids: list[Any], rows: list[Any]) -> None:
    """A marketplace's user asks to be forgotten: erase them from the orders named, and keep a note without their name."""
    with tenancy.scope(merchant_id):
        erased = personal.erase([int(one) for one in object_ids], why="asked for by the marketplace's user")
        audit.note(actor="marketplace", action="buyer.erased", subject=f"{erased} orders")
