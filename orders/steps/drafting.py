"""Turn a matched order into the draft the store gets; what does not add up is held before anything is sent."""

from __future__ import annotations

from decimal import Decimal

from connectors.contract.types import PersonalDetails, StoreOrderDraft
from inventory.models import Location
from orders.domain.buyer_email import buyer_email
from orders.domain.store_order import DoesNotAddUp, Sale, SoldLine, Style, draft
from orders.models import OrderLine
from orders.reasons import MARKETPLACES
from orders.steps.batch import Batch, Item
from orders.steps.settle import hold
from salestio.lib.money import shown


def order_key(batch: Batch, item: Item, generation: int) -> str:
    """Return our key for the store order, unique for ever (MECHANISMS 2)."""
    account = batch.accounts[item.order.account_id]
    return f"{account.platform}:{account.key}:{item.order.marketplace_order_id}:{generation}"


def generation_of(item: Item) -> int:
    """Return the generation to send: the newest, or the next one after an order that is gone in the store."""
    if item.store_order is None:
        return 1
    return item.store_order.generation + (1 if item.store_order.state == "gone" else 0)


def draft_or_hold(batch: Batch, item: Item) -> StoreOrderDraft | None:
    """Return the draft, or hold the order as TOTAL_MISMATCH with both sums and return None."""
    order = item.order
    try:
        return draft(_sale(batch, item), _style(batch, item))
    except DoesNotAddUp as error:
        hold(
            batch, item, "TOTAL_MISMATCH", sum=shown(error.summed, error.currency), paid=shown(error.paid, error.currency),
            difference=shown(error.paid - error.summed, error.currency), currency=error.currency,
        )  # fmt: skip
    except ValueError as error:
        hold(batch, item, "TOTAL_MISMATCH", problem=f"A price cannot be split: {error}", currency=order.currency)
    return None


def _sale(batch: Batch, item: Item) -> Sale:
    order, way = item.order, item.way
    account = batch.accounts[order.account_id]
    assert way is not None
    missing = [line for line in item.live_lines if line.item_total is None]
    if order.total is None and not order.replacement_of and missing:
        raise ValueError("the marketplace gave no price")
    return Sale(
        reference=order.marketplace_order_id,
        key=order_key(batch, item, generation_of(item)),
        source=MARKETPLACES.get(order.platform, order.platform),
        account_name=account.name,
        currency=order.currency or batch.store.currency,
        total=order.total if order.total is not None else Decimal(0),
        purchased_at=order.purchased_at,
        lines=tuple(_sold(batch, line) for line in item.live_lines),
        personal=item.personal or PersonalDetails(),
        fulfilled_by=order.fulfilled_by,
        inventory=way.inventory,
        fulfilled=way.fulfilled,
        service_level=order.service_level,
        site=order.site,
        replacement_of=order.replacement_of,
        programs=tuple(order.programs),
        location_remote_id=_shipped_from(batch, item) if way.fulfilled else "",
    )


def _shipped_from(batch: Batch, item: Item) -> str:
    """Return the store's id of the place an order that is made as fulfilled is said to have left from.

    No stock moves there (the parcel left before the store heard of it); the platform only wants a place to be named.
    """
    if batch.places is None:
        rows = Location.objects.filter(store_id=batch.store.pk, active=True).order_by("-fulfills_online", "pk")
        batch.places = {row.pk: row.remote_id for row in rows}
    return batch.places.get(batch.location_of(item) or 0) or next(iter(batch.places.values()), "")


def _sold(batch: Batch, line: OrderLine) -> SoldLine:
    variant = batch.variants.get(line.variant_id) if line.variant_id else None
    return SoldLine(
        title=variant.product_title if variant else line.title,
        quantity=line.quantity,
        item_total=line.item_total if line.item_total is not None else Decimal(0),
        discount=line.discount,
        shipping=line.shipping,
        shipping_discount=line.shipping_discount,
        gift_wrap=line.gift_wrap,
        other=line.other,
        tax=line.tax,
        shipping_tax=line.shipping_tax,
        tax_collected_by_marketplace=line.tax_collected_by_marketplace,
        variant_remote_id=variant.remote_id if variant else None,
        product_remote_id=variant.product_id if variant else None,
        sku=variant.sku if variant else line.seller_sku,
        variant_title=variant.label if variant else "",
        requires_shipping=variant.requires_shipping if variant else True,
    )


def _style(batch: Batch, item: Item) -> Style:
    chosen = batch.chosen[item.order.account_id]
    email = item.personal.buyer_email if item.personal else ""
    return Style(
        email=buyer_email(
            chosen.customer_email.mode,
            email=email,
            order_id=item.order.marketplace_order_id,
            selected=chosen.customer_email.address,
            domain=chosen.customer_email.domain,
        ),
        use_reference_as_name=chosen.export_order_id,
        name_prefix=chosen.order_id_prefix,
        tags=chosen.tags,
        tag_marketplace=chosen.tag_platform,
        tag_account=chosen.tag_account,
        tag_fulfilled_by=chosen.tag_fulfillment,
        send_receipt=chosen.store_confirmations,
    )
