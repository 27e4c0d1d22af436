"""What a marketplace order is in our rows: its columns, lines and buyer, and the facts that decide its way."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.db.models import CharField, Model
from django.utils.timezone import now

from accounts import connections, preferences
from accounts.models import MarketplaceAccount
from connectors.contract.types import MarketplaceOrder, MarketplaceOrderLine, Withheld
from orders import personal
from orders.domain import routing
from orders.models import Buyer, Order, OrderEvent, OrderLine
from salestio.lib.text import cut


def content_hash(order: MarketplaceOrder) -> str:
    """Return a hash of everything but the raw answer: equal source time with other content is an update too.

    Links to customization archives count as there or not: they are made anew with every reading.
    """
    links = {line_id: "told" if url else "" for line_id, url in order.personal.customization_urls.items()}
    told = dataclasses.replace(order.personal, customization_urls=links)
    plain = dataclasses.replace(order, raw={}, personal=told)
    return hashlib.blake2b(repr(plain).encode(), digest_size=16).hexdigest()


def wishes(account: MarketplaceAccount) -> routing.Wishes:
    chosen = preferences.for_order(account, account.store)
    return routing.Wishes(
        import_orders=chosen.import_orders,
        order_type=chosen.order_type,
        older_allowed=connections.sees_old_orders(account.store),
        withheld_address=chosen.withheld_address,
    )


def facts_of(order: MarketplaceOrder, *, shipped_when_seen: bool) -> routing.OrderFacts:
    """Return what of a marketplace order decides its way."""
    address = order.personal.shipping
    return routing.OrderFacts(
        status=order.status.value,
        fulfilled_by=order.fulfilled_by.value,
        has_address=bool(address and address.complete),
        shipped_when_seen=shipped_when_seen,
        problem=order.problem,
        lines=sum(1 for line in order.lines if line.quantity > 0),
        purchased_at=order.purchased_at,
        address_withheld=Withheld.ADDRESS in order.withheld,
        cancel_requested=order.cancel_requested,
    )


def their_fields(order: MarketplaceOrder) -> dict[str, Any]:
    """Return the columns that say what the marketplace says."""
    address = order.personal.shipping
    first = next((line for line in order.lines if line.quantity), None)
    more = sum(1 for line in order.lines if line.quantity) - 1
    summary = f"{first.quantity} × {first.title}" if first else ""
    told: dict[str, Any] = {
        "site": order.site,
        "status": order.status.value,
        "raw_status": order.raw_status,
        "fulfilled_by": order.fulfilled_by.value,
        "purchased_at": order.purchased_at,
        "source_updated_at": order.updated_at,
        "content_hash": content_hash(order),
        "currency": order.currency,
        "total": order.total,
        "service_level": order.service_level,
        "ship_by": order.ship_by,
        "deliver_by": order.deliver_by,
        "country": address.country[:2] if address else "",
        "has_address": bool(address and address.complete),
        "replacement_of": order.replacement_of,
        "programs": list(order.programs),
        "cancel_requested": order.cancel_requested,
        "withheld": [str(part) for part in order.withheld],
        "item_summary": cut(summary, 100) + (f" +{more}" if more > 0 else ""),
        "units": sum(line.quantity for line in order.lines),
    }
    return told | _fitting(Order, told)


def _fitting(model: type[Model], told: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts among these as long as their columns: one that is too long would keep its whole page out."""
    return {name: text[: lengths(model)[name]] for name, text in told.items() if name in lengths(model)}


@cache
def lengths(model: type[Model]) -> dict[str, int]:
    """Return a model's text columns that have a longest length, with it."""
    return {
        field.name: field.max_length
        for field in model._meta.fields
        if isinstance(field, CharField) and field.max_length
    }


TOO_LARGE = "one of its values is too large to be kept"


def without_what_is_too_large(order: MarketplaceOrder) -> MarketplaceOrder:
    """Return what of an order can be kept in any case, with the problem said: it is held until a better reading comes."""
    moment = now()
    return dataclasses.replace(
        order,
        lines=(),
        total=None,
        purchased_at=min(order.purchased_at, moment),
        updated_at=min(order.updated_at, moment),
        ship_by=None,
        deliver_by=None,
        problem=TOO_LARGE,
    )


def reason_data(account: MarketplaceAccount, row: Order, **more: Any) -> dict[str, Any]:
    """Return the names a reason's sentence needs."""
    return {
        "platform": account.platform,
        "store_platform": account.store.platform,
        "account": account.name,
        "order": row.marketplace_order_id,
        **{key: value for key, value in more.items() if value not in ("", None)},
    }


def line(row: Order, number: int, line: MarketplaceOrderLine) -> OrderLine:
    texts = {"seller_sku": line.seller_sku.strip(), "item_id": line.item_id, "title": line.title}
    return OrderLine(
        merchant_id=row.merchant_id,
        order_id=row.pk,
        number=number,
        remote_id=line.line_id,
        **_fitting(OrderLine, texts),
        variation=[list(pair) for pair in line.variation],
        quantity=line.quantity,
        quantity_shipped=line.quantity_shipped,
        item_total=line.item_total,
        discount=line.discount,
        shipping=line.shipping,
        shipping_discount=line.shipping_discount,
        gift_wrap=line.gift_wrap,
        other=line.other,
        tax=line.tax,
        shipping_tax=line.shipping_tax,
        tax_collected_by_marketplace=line.tax_collected_by_marketplace,
        total=line.total,
        digital=line.digital,
    )


def buyer(row: Order, order: MarketplaceOrder) -> Buyer:
    return Buyer(
        merchant_id=row.merchant_id,
        order_id=row.pk,
        sealed=personal.seal(order.personal),
        raw_sealed=personal.seal_raw(order.raw),
        tokens=personal.tokens(row.merchant_id, order.personal),
        delete_after=personal.delete_after(order),
    )


def event(row: Order, stage: str, code: str, *, actor: str = "", **data: Any) -> OrderEvent:
    return OrderEvent(
        merchant_id=row.merchant_id, order_id=row.pk, stage=stage, code=code, data=data or row.reason_data, actor=actor
    )
