"""What a person changes on an order: the match of a line (F40), the address (F28), whose store order it is (F11)."""

from __future__ import annotations

import dataclasses

from django.utils.timezone import now

from accounts import connections
from connectors.contract.errors import ConnectorError
from connectors.contract.types import Address, PersonalDetails
from inventory import reservations
from inventory.models import SkuMapping, Variant
from orders import intake, personal, updates
from orders.domain.matching import PERSON
from orders.guard import adopt_order
from orders.models import Buyer, Order, OrderEvent, OrderLine, SkuWait, StockWait
from orders.pull import database_now
from orders.steps.batch import claim_one
from orders.steps.drafting import generation_of
from salestio import doorbell, routes, tenancy

OPEN = ("imported", "waiting", "held", "skipped")


class CannotChange(ValueError):
    """The change makes no sense now; the text says why, for the person."""


def match_line(
    merchant_id: int, order_id: int, line_number: int, variant_id: int, *, actor: str, remember: str = ""
) -> None:
    """Match a line to a store variant by hand, and remember it as an SKU mapping if wanted.

    `remember` is "" (this order only), "account" or "all". The order becomes due. Raises `CannotChange`,
    `Order.DoesNotExist`, `OrderLine.DoesNotExist` and `Variant.DoesNotExist`.
    """
    if remember not in ("", "account", "all"):
        raise CannotChange("Remember it for this account, for all accounts, or not at all")
    with tenancy.scope(merchant_id):
        order = Order.objects.select_for_update().select_related("account").get(pk=order_id)
        if order.export_state not in OPEN:
            raise CannotChange("The order is in your store or on its way there; its lines stay as they were sent")
        _refuse_unreadable(order)
        line = OrderLine.objects.get(order_id=order_id, number=line_number)
        variant = Variant.objects.get(pk=variant_id, store_id=order.store_id, deleted_at=None)
        if not variant.active:
            raise CannotChange(f"{variant.title} is archived or a draft in the store; choose an active product")
        reservations.release(order_ids=[order_id], cause="line changed")
        before = line.matched_sku
        line.variant_id, line.matched_by = variant.pk, PERSON
        line.matched_sku, line.match_note, line.parts = variant.sku, f"Chosen by {actor}", []
        line.save(update_fields=["variant", "matched_by", "matched_sku", "match_note", "parts"])
        if remember and line.seller_sku and variant.sku:
            _remember(order, line, variant, actor=actor, all_accounts=remember == "all")
        SkuWait.objects.filter(order_id=order_id).delete()
        StockWait.objects.filter(order_id=order_id).delete()
        _event(
            order,
            "LINE_CHANGED",
            actor,
            remember=remember,
            line=line_number,
            seller_sku=line.seller_sku,
            before=before,
            sku=variant.sku,
        )
        _make_due(order)


def _refuse_unreadable(order: Order) -> None:
    """An order that could not be read whole must not go on without what is missing: only a fresh reading cures it."""
    if order.reason_code == "UNREADABLE":
        raise CannotChange("This order could not be read whole. Fetch it again, or wait: it is read at its next change")


def _remember(order: Order, line: OrderLine, variant: Variant, *, actor: str, all_accounts: bool) -> None:
    """Keep the choice as a mapping, with the product itself: others may have, or get, the same SKU.

    For all accounts, the account's own row goes: it would overrule what was chosen.
    """
    if all_accounts:
        SkuMapping.objects.filter(
            store_id=order.store_id, account_id=order.account_id, seller_sku=line.seller_sku
        ).delete()
    SkuMapping.objects.update_or_create(
        merchant_id=order.merchant_id,
        store_id=order.store_id,
        account_id=None if all_accounts else order.account_id,
        seller_sku=line.seller_sku,
        defaults={"quantity": 1, "more": [], "sku": variant.sku, "variant_ref": variant.pk, "created_by": actor},
    )
    routes.emit("mapping.changed", store_id=order.store_id, seller_skus=[line.seller_sku])


def edit_address(merchant_id: int, order_id: int, address: Address, *, actor: str) -> None:
    """Change the delivery address of an order that is not in the store yet (F28); the order becomes due.

    Raises `CannotChange` when it is sent already, the address is incomplete, or the buyer's data was erased.
    """
    if not address.complete:
        raise CannotChange("Give at least a street line, a city or postal code, and a country")
    with tenancy.scope(merchant_id):
        order = Order.objects.select_for_update().get(pk=order_id)
        if order.export_state not in OPEN:
            raise CannotChange("The order is in your store or on its way there; change the address in the store")
        _refuse_unreadable(order)
        buyer = Buyer.objects.filter(order_id=order_id).first()
        if buyer is None:
            raise CannotChange("This buyer's data was erased")
        details: PersonalDetails = dataclasses.replace(personal.unseal(buyer.sealed), shipping=address)
        buyer.sealed = personal.seal(details)
        buyer.tokens = personal.tokens(merchant_id, details)
        buyer.edited_at = now()
        buyer.save()
        order.has_address, order.country = True, address.country[:2]
        _event(order, "ADDRESS_EDITED", actor)
        _make_due(order)


def adopt(merchant_id: int, order_id: int, store_order_remote_id: str, *, actor: str) -> str:
    """Link a store order that exists already (made by another connector) to this order; return its name.

    Raises `CannotChange` when the store does not know it, does not answer, or the order is sent already.
    """
    with tenancy.scope(merchant_id):
        order = Order.objects.select_related("store").get(pk=order_id)
        if order.export_state not in OPEN:
            raise CannotChange("The order is in your store or on its way there already")
    try:
        found = connections.storefront(order.store).get_order(store_order_remote_id)
    except ConnectorError as error:
        raise CannotChange(f"The store could not be asked: {error.message}. Try again in a moment") from error
    if found is None:
        raise CannotChange("The store does not know this order any more")
    with tenancy.scope(merchant_id):
        batch = claim_one(merchant_id, order_id, moment=database_now())
        if batch is None:
            raise CannotChange("The order is being worked on right now; try again in a moment")
        reservations.release(order_ids=[order_id], cause="adopted")
        batch.items[0].actor = actor
    item = batch.items[0]
    adopt_order(batch, item, found, generation=generation_of(item))
    return found.name


def _event(order: Order, code: str, actor: str, **data: object) -> None:
    OrderEvent.objects.create(
        merchant_id=order.merchant_id, order_id=order.pk, stage="person", code=code, data=data, actor=actor
    )


def _make_due(order: Order) -> None:
    if order.export_state == "skipped":
        # A change alone does not overrule the setting that skipped it; Export does.
        order.save()
        return
    updates.make_due(order)
    order.save()
    doorbell.ring(intake.DRAIN, order.merchant_id, order.store_id)
