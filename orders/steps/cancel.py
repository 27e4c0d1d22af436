"""A cancellation that arrived while the order was on its way to the store (MECHANISMS 1)."""

from __future__ import annotations

from accounts import connections
from connectors.contract.errors import NotFound
from orders.models import Order, OrderEvent
from orders.reasons import MARKETPLACES
from salestio import tenancy


def cancel_in_store(merchant_id: int, *, order_id: int) -> None:
    """Cancel the store order that was made while the marketplace canceled. An outbox handler: repeating does no harm.

    Raises `ConnectorError`; the outbox tries again, and shows it when it gives up.
    """
    with tenancy.scope(merchant_id):
        order = Order.objects.select_related("store").get(pk=order_id)
    if order.status != "canceled" or not order.store_order_id:
        return
    marketplace = MARKETPLACES.get(order.platform, order.platform)
    try:
        connections.storefront(order.store).cancel_order(
            order.store_order_id, restock=True, note=f"Canceled on {marketplace} while it was being created"
        )
        code = "CANCELED_IN_STORE"
    except NotFound:
        code = "GONE_IN_STORE"
    with tenancy.scope(merchant_id):
        OrderEvent.objects.create(
            merchant_id=merchant_id, order_id=order_id, stage="change", code=code, data={"name": order.store_order_name}
        )
