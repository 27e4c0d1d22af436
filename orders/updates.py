"""What a newer reading of a known order changes: its rows, and our own state where it was not sent yet."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.utils.timezone import now

from accounts.models import MarketplaceAccount
from connectors.contract.types import MarketplaceOrder, MarketplaceOrderLine
from inventory import reservations
from notifications import alerts
from orders import archives, nameless, personal, source
from orders.domain import routing
from orders.domain.states import ExportState
from orders.models import Buyer, Order, OrderEvent, OrderLine, StockWait
from orders.reasons import MARKETPLACES

MAYBE_IN_STORE = ("UNKNOWN_TOO_LONG", "TWO_FOUND")
TOLD = (
    "item_id", "title", "variation", "quantity_shipped", "item_total", "discount", "shipping", "shipping_discount",
    "gift_wrap", "other", "tax", "shipping_tax", "tax_collected_by_marketplace", "total", "digital",
)  # fmt: skip
"""What a marketplace may tell anew of a line that stays what it was: the same thing, and as many of it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Changes:
    """What a newer reading changed besides the status."""

    lines: bool = False
    address: bool = False
    total: bool = False
    """What the buyer pays, where both readings told it."""


def _signature(line: Any) -> tuple[Any, ...]:
    number = line.line_id if isinstance(line, MarketplaceOrderLine) else line.remote_id
    return (number, line.seller_sku.strip(), line.quantity)


def apply(account: MarketplaceAccount, row: Order, order: MarketplaceOrder) -> None:
    """Apply a newer source state to a known order, and decide what it means for our own state."""
    before_status, before_total = row.status, row.total
    stored = list(OrderLine.objects.filter(order_id=row.pk).order_by("number"))
    lines_changed = sorted(map(_signature, stored)) != sorted(map(_signature, order.lines))
    buyer = Buyer.objects.filter(order_id=row.pk).first()
    if buyer is not None:
        archives.expect(row, order.personal.customization_urls)
    told = source.content_hash(order)
    order = _with_what_was_known(buyer, order)
    address_changed = _address_changed(buyer, order)
    for name, value in source.their_fields(order).items():
        setattr(row, name, value)
    # Compared with the next reading, which tells no more than this one did.
    row.content_hash = told
    row.revision += 1
    if row.paid_at is None and order.status.value not in ("incomplete", "canceled"):
        row.paid_at = now()
    if lines_changed or any(line.item_total is None for line in stored) or before_status == "incomplete":
        _rewrite_lines(row, stored, order)
    else:
        _touch_lines(row, stored, order)
    _save_buyer(row, buyer, order)
    events: list[OrderEvent] = []
    who = MARKETPLACES.get(account.platform, account.platform)
    if row.status != before_status:
        events.append(source.event(row, "import", "STATUS", actor=who, before=before_status, after=row.status))
    if lines_changed:
        events.append(source.event(row, "import", "LINES_CHANGED", actor=who, units=row.units))
    total_changed = None not in (before_total, row.total) and before_total != row.total
    changes = Changes(lines=lines_changed, address=address_changed, total=total_changed)
    _react(account, row, order, changes, events)
    row.save()
    OrderEvent.objects.bulk_create(events)


def cannot_be_kept(account: MarketplaceAccount, row: Order, order: MarketplaceOrder) -> None:
    """Note that a newer reading holds what no row can: what we had stays, and what was not sent rests until a better one.

    Its time is believed only where it may be true, so that the better reading is not taken for an older one.
    """
    events: list[OrderEvent] = []
    row.content_hash = source.content_hash(order)
    if order.updated_at <= now():
        row.source_updated_at = order.updated_at
    unsent = row.export_state in (ExportState.IMPORTED, ExportState.WAITING, ExportState.HELD)
    if unsent and row.reason_code not in MAYBE_IN_STORE:
        told = dataclasses.replace(order, problem=source.TOO_LARGE)
        _stop(account, row, routing.Way("UNREADABLE", "held"), told, events, free=False)
    else:
        facts = source.reason_data(account, row, problem=source.TOO_LARGE)
        events.append(source.event(row, "import", "UNREADABLE", **facts))
        if row.export_state not in (ExportState.CANCELED, ExportState.SKIPPED):
            # It is in the store, or may be: nobody reads the log of an order that is done.
            nameless.tell_unkept(account, row)
    row.save()
    OrderEvent.objects.bulk_create(events)


def _with_what_was_known(buyer: Buyer | None, order: MarketplaceOrder) -> MarketplaceOrder:
    """Return the order with the buyer's details we hold where the marketplace tells them no more.

    eBay gives the e-mail address for 14 days and names for 90; an address the merchant entered stays in force.
    """
    if buyer is None:
        return order
    known = personal.unseal(buyer.sealed)
    return dataclasses.replace(order, personal=known if buyer.edited_at else personal.merged(known, order.personal))


def _address_changed(buyer: Buyer | None, order: MarketplaceOrder) -> bool:
    if buyer is None or buyer.edited_at:
        return False
    return personal.unseal(buyer.sealed).shipping != order.personal.shipping


def _save_buyer(row: Order, buyer: Buyer | None, order: MarketplaceOrder) -> None:
    """Store the buyer's details again, unless the merchant edited the address or they were erased."""
    if buyer is None:
        return
    fresh = source.buyer(row, order)
    if not buyer.edited_at:
        if set(order.personal.buyer_ids) - set(personal.unseal(buyer.sealed).buyer_ids):
            personal.keep_routes(row.platform, row.merchant_id, {row.pk: order.personal})
        buyer.sealed, buyer.tokens = fresh.sealed, fresh.tokens
    buyer.raw_sealed = fresh.raw_sealed
    buyer.delete_after = min(buyer.delete_after, fresh.delete_after) if order.parcels else fresh.delete_after
    buyer.save()


def _touch_lines(row: Order, stored: list[OrderLine], order: MarketplaceOrder) -> None:
    """Write what the lines tell anew; they stay the same rows, which reservations and matches belong to."""
    told = {line.line_id: source.line(row, 0, line) for line in order.lines}
    changed = []
    for line in stored:
        fresh = told.get(line.remote_id)
        if fresh is None or all(getattr(line, name) == getattr(fresh, name) for name in TOLD):
            continue
        for name in TOLD:
            setattr(line, name, getattr(fresh, name))
        changed.append(line)
    if changed:
        OrderLine.objects.bulk_update(changed, TOLD)


def _rewrite_lines(row: Order, stored: list[OrderLine], order: MarketplaceOrder) -> None:
    """Write the lines anew; a match made by a person stays with its line."""
    kept = {line.remote_id: line for line in stored}
    OrderLine.objects.filter(order_id=row.pk).delete()
    fresh = []
    for number, told in enumerate(order.lines, 1):
        line = source.line(row, number, told)
        old = kept.get(told.line_id)
        if old is not None and old.seller_sku == line.seller_sku:
            line.variant_id, line.matched_by = old.variant_id, old.matched_by
            line.matched_sku, line.match_note, line.parts = old.matched_sku, old.match_note, old.parts
        fresh.append(line)
    OrderLine.objects.bulk_create(fresh)


def _react(
    account: MarketplaceAccount,
    row: Order,
    order: MarketplaceOrder,
    changes: Changes,
    events: list[OrderEvent],
) -> None:
    """Decide our own state after a change at the marketplace."""
    if row.export_state == ExportState.CREATED:
        _task_for_created(account, row, changes, events)
        return
    if row.export_state in (ExportState.SENDING, ExportState.UNKNOWN, ExportState.CANCELED):
        # The commit after the call compares the revision; a canceled order stays canceled.
        return
    if row.reason_code in MAYBE_IN_STORE:
        # The store may have it: its units stay, and a cancellation is applied once a person has settled the outcome.
        return
    way = routing.way(
        source.facts_of(order, shipped_when_seen=row.shipped_when_seen), source.wishes(account), now=now()
    )
    if not way.ready:
        if row.export_state == "skipped" and way.state != "canceled":
            return
        _stop(account, row, way, order, events, free=way.frees_units or changes.lines)
        return
    if row.export_state == "skipped" and row.reason_code != "NOT_PAID_YET":
        return
    if changes.lines:
        reservations.release(order_ids=[row.pk], cause="lines changed")
        StockWait.objects.filter(order_id=row.pk).delete()
    was_blocked = row.reason_code in routing.RESTING or row.reason_code == "TOTAL_MISMATCH"
    cured_address = row.reason_code == "ADDRESS_REJECTED" and changes.address
    if changes.lines or was_blocked or cured_address:
        make_due(row)


def make_due(row: Order) -> None:
    """Turn the order to *imported*, due at its turn; the caller saves it."""
    row.export_state, row.reason_code, row.reason_data = ExportState.IMPORTED, "QUEUED", {}
    row.state_since = now()
    row.next_attempt_at = row.paid_at or row.purchased_at
    row.attempts, row.retrying_since = 0, None
    row.lease_until, row.lease_token = None, None


def _stop(
    account: MarketplaceAccount,
    row: Order,
    way: routing.Way,
    order: MarketplaceOrder,
    events: list[OrderEvent],
    *,
    free: bool,
) -> None:
    """Let the order rest or end where the facts say; `free` gives its units back."""
    released = reservations.release(order_ids=[row.pk], cause=way.code) if free else {}
    if (row.export_state, row.reason_code) == (way.state, way.code):
        return
    StockWait.objects.filter(order_id=row.pk).delete()
    row.export_state, row.reason_code = way.state, way.code
    row.reason_data = source.reason_data(account, row, problem=order.problem, units=sum(released.values()) or None)
    row.state_since = now()
    row.lease_until, row.lease_token = None, None
    row.next_attempt_at = now() if way.state == ExportState.WAITING else None
    row.retrying_since = now() if way.state == ExportState.WAITING else None
    events.append(source.event(row, "import", way.code))


def _task_for_created(account: MarketplaceAccount, row: Order, changes: Changes, events: list[OrderEvent]) -> None:
    """An order that is in the store changed at the marketplace: open a task that says so (F25)."""
    kinds = [
        ("canceled", row.status == "canceled"),
        ("lines", changes.lines and row.status != "canceled"),
        # Other lines have another total: one task says both.
        ("total", changes.total and not changes.lines and row.status not in ("canceled", "refunded")),
        ("address", changes.address),
    ]
    for what, happened in kinds:
        if not happened:
            continue
        alerts.raise_alert(
            kind="order_changed",
            key=f"{row.pk}:{what}",
            data={"what": what, "order": row.marketplace_order_id, "order_id": row.pk, "store_order": row.store_order_name,
                  "platform": account.platform, "store_platform": account.store.platform},
        )  # fmt: skip
        events.append(
            source.event(row, "change", "CHANGED_AFTER_CREATION", what=what, store_order=row.store_order_name)
        )
