"""Save one page of marketplace orders, and the cursor with it, in one transaction (DESIGN 5, promise 1).

A new order is written whole before anything else happens to it. A known one is updated only by a newer source time, or
by other content of the same time. Marketplace changes never wait for a lease: they update what the marketplace says and
raise the order's revision; before `sending` they also decide its state, afterwards the commit after the call compares.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils.timezone import now

from accounts import connections, preferences
from accounts.models import MarketplaceAccount
from connectors.contract.types import MarketplaceOrder, MarketplaceOrderLine, Withheld
from inventory import reservations
from notifications import alerts
from orders import archives, personal
from orders.domain import routing
from orders.domain.past import Past
from orders.domain.states import ExportState
from orders.models import Buyer, DirtyOrder, Order, OrderEvent, OrderLine, StockWait
from orders.reasons import MARKETPLACES
from salestio import doorbell
from salestio.lib.text import cut

DRAIN = "orders.tasks.drain"
INTAKE_LOCK = 7072
"""First half of the advisory lock's key; the second is the account."""
BEFORE_SENDING = ("imported", "waiting", "held", "skipped")


@dataclass(slots=True)
class Saved:
    """What a page did."""

    new: int = 0
    changed: int = 0
    same: int = 0
    too_old: int = 0
    order_ids: list[int] = field(default_factory=list)


def content_hash(order: MarketplaceOrder) -> str:
    """Return a hash of everything but the raw answer: equal source time with other content is an update too.

    Links to customization archives count as there or not: they are made anew with every reading.
    """
    links = {line_id: "told" if url else "" for line_id, url in order.personal.customization_urls.items()}
    told = dataclasses.replace(order.personal, customization_urls=links)
    plain = dataclasses.replace(order, raw={}, personal=told)
    return hashlib.blake2b(repr(plain).encode(), digest_size=16).hexdigest()


def save_page(
    account: MarketplaceAccount,
    orders: Sequence[MarketplaceOrder],
    *,
    any_age: bool = False,
    via: str = "",
    read_at: datetime | None = None,
    past: Past | None = None,
) -> Saved:
    """Save the orders of one page; the caller's scope is the transaction. Rings the lane after the commit.

    `via` names how they came (push, sweep, a person), `any_age` lets orders from before the connection in (F29), `read_at`
    is our database's time before the read: hints heard later stay. `past` are the choices of a back-fill (F30).
    """
    saved = Saved()
    unique = {order.order_id: order for order in orders}
    _one_at_a_time(account.pk)
    known = {
        row.marketplace_order_id: row
        for row in Order.objects.select_for_update()
        .filter(account_id=account.pk, marketplace_order_id__in=list(unique))
        .order_by("pk")
    }
    renamed, taken = _renamed(account, [order for order in unique.values() if order.order_id not in known])
    known |= renamed
    paid_already = _paid_already(account, [order for order in unique.values() if order.order_id not in known])
    fresh: list[MarketplaceOrder] = []
    for order in unique.values():
        row = known.get(order.order_id)
        if order.order_id in paid_already or (row is not None and row.pk in taken and order.order_id not in renamed):
            # What an order was before its payment says nothing any more.
            saved.same += 1
        elif row is None:
            if _before_start(account, order) and not any_age:
                saved.too_old += 1
            else:
                fresh.append(order)
        elif order.updated_at < row.source_updated_at or (
            order.updated_at == row.source_updated_at and content_hash(order) == row.content_hash
        ):
            saved.same += 1
            saved.order_ids.append(row.pk)
        else:
            _update(account, row, order)
            saved.changed += 1
            saved.order_ids.append(row.pk)
    if fresh:
        saved.new = len(fresh)
        saved.order_ids += _insert(account, fresh, via=via, past=past)
    if unique:
        heard = DirtyOrder.objects.filter(account_id=account.pk, marketplace_order_id__in=list(unique))
        (heard.filter(heard_at__lte=read_at) if read_at else heard).delete()
        newest = max(order.purchased_at for order in unique.values())
        if account.newest_order_at is None or newest > account.newest_order_at:
            MarketplaceAccount.objects.filter(pk=account.pk).filter(
                Q(newest_order_at=None) | Q(newest_order_at__lt=newest)
            ).update(newest_order_at=newest)
    if saved.new or saved.changed:
        doorbell.ring(DRAIN, account.merchant_id, account.store_id)
    return saved


def _renamed(
    account: MarketplaceAccount, unknown: Sequence[MarketplaceOrder]
) -> tuple[dict[str, Order], frozenset[int]]:
    """Return, by their new id, the unpaid orders we know under another one, and every row that was renamed or ended.

    At eBay an order that is paid later gets another id with its payment; its line ids stay (ebay_etsy.md 1.2). Only
    unpaid orders change theirs, and nothing was ever sent under the old one. A row becomes one order only: what else
    was paid of it is an order of its own.
    """
    lines = {line.line_id: order for order in unknown if order.lines_identify for line in order.lines}
    found: dict[str, Order] = {}
    taken: set[int] = set()
    if not lines:
        return found, frozenset()
    unpaid = Order.objects.filter(account_id=account.pk, status="incomplete", lines__remote_id__in=list(lines))
    for pk, remote_id in unpaid.order_by("pk", "lines__number").values_list("pk", "lines__remote_id"):
        order = lines[remote_id]
        if pk in taken:
            continue
        taken.add(pk)
        row = Order.objects.select_for_update().get(pk=pk)
        if order.order_id in found:
            _end_as_part(account, row, order.order_id)
            continue
        before, row.marketplace_order_id = row.marketplace_order_id, order.order_id
        # An older source time must not hold the new id's content back.
        row.source_updated_at = min(row.source_updated_at, order.updated_at)
        row.save(update_fields=["marketplace_order_id", "source_updated_at"])
        who = MARKETPLACES.get(account.platform, account.platform)
        OrderEvent.objects.create(
            merchant_id=row.merchant_id, order_id=pk, stage="import", code="ID_CHANGED", actor=who,
            data={"before": before, "after": order.order_id},
        )  # fmt: skip
        found[order.order_id] = row
    return found, frozenset(taken)


def _paid_already(account: MarketplaceAccount, unknown: Sequence[MarketplaceOrder]) -> frozenset[str]:
    """Return the ids of unpaid orders that we have as paid ones under another id: their page was read before it."""
    lines = {
        line.line_id: order.order_id
        for order in unknown
        if order.lines_identify and order.status.value == "incomplete"
        for line in order.lines
    }
    if not lines:
        return frozenset()
    paid = OrderLine.objects.filter(
        remote_id__in=list(lines),
        order__account_id=account.pk,
        # Lines have no index by their id: only the orders since then are looked through.
        order__purchased_at__gte=min(order.purchased_at for order in unknown),
    ).exclude(order__status__in=("incomplete", "canceled"))
    return frozenset(lines[remote_id] for remote_id in paid.values_list("remote_id", flat=True))


def _end_as_part(account: MarketplaceAccount, row: Order, whole: str) -> None:
    """End an unpaid purchase that was paid together with others: the marketplace knows it only as part of that order."""
    released = reservations.release(order_ids=[row.pk], cause="PAID_TOGETHER")
    row.status, row.export_state, row.reason_code = "canceled", ExportState.CANCELED, "PAID_TOGETHER"
    row.reason_data = reason_data(account, row, whole=whole, units=sum(released.values()) or None)
    row.state_since, row.next_attempt_at, row.revision = now(), None, row.revision + 1
    row.save()
    OrderEvent.objects.bulk_create([_event(row, "import", "PAID_TOGETHER")])


def _one_at_a_time(account_id: int) -> None:
    """Let the list call and the hints of an account save one after the other: both may bring the same new order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [INTAKE_LOCK, account_id])


# ── new orders ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _insert(
    account: MarketplaceAccount, orders: Sequence[MarketplaceOrder], *, via: str, past: Past | None = None
) -> list[int]:
    wishes = _wishes(account)
    moment = now()
    rows = [_new_row(account, order, wishes, moment, past) for order in orders]
    Order.objects.bulk_create(rows)
    lines: list[OrderLine] = []
    buyers: list[Buyer] = []
    events: list[OrderEvent] = []
    for row, order in zip(rows, orders, strict=True):
        lines += [_line(row, number, line) for number, line in enumerate(order.lines, 1)]
        buyers.append(_buyer(row, order))
        events.append(
            OrderEvent(
                merchant_id=row.merchant_id, order_id=row.pk, at=moment, stage="import", code="IMPORTED",
                data={"status": row.status, "seconds": max(round((moment - order.updated_at).total_seconds()), 0), "via": via},
                actor=MARKETPLACES.get(account.platform, account.platform) + (f" {via}" if via else ""),
            )
        )  # fmt: skip
        if row.reason_code not in ("QUEUED", ""):
            events.append(_event(row, "import", row.reason_code))
    OrderLine.objects.bulk_create(lines)
    Buyer.objects.bulk_create(buyers)
    personal.keep_routes(
        account.platform, account.merchant_id, {row.pk: order.personal for row, order in zip(rows, orders, strict=True)}
    )
    OrderEvent.objects.bulk_create(events)
    for row, order in zip(rows, orders, strict=True):
        archives.expect(row, order.personal.customization_urls)
    return [row.pk for row in rows]


def _before_start(account: MarketplaceAccount, order: MarketplaceOrder) -> bool:
    """Say whether an order was bought before the moment from which the account's orders are wanted.

    Etsy tells whole seconds only: what was bought in the second the account was connected in came after it.
    """
    return order.purchased_at < account.orders_from.replace(microsecond=0)


def _wishes(account: MarketplaceAccount) -> routing.Wishes:
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


def _their_fields(order: MarketplaceOrder) -> dict[str, Any]:
    """Return the columns that say what the marketplace says."""
    address = order.personal.shipping
    first = next((line for line in order.lines if line.quantity), None)
    more = sum(1 for line in order.lines if line.quantity) - 1
    summary = f"{first.quantity} × {first.title}" if first else ""
    return {
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


def _new_row(
    account: MarketplaceAccount,
    order: MarketplaceOrder,
    wishes: routing.Wishes,
    moment: datetime,
    past: Past | None = None,
) -> Order:
    shipped = order.status.value == "shipped"
    way = routing.way(facts_of(order, shipped_when_seen=shipped), wishes, now=moment)
    older = _before_start(account, order)
    if past is not None:
        left_out = past.leaves_out(shipped=shipped, before_connection=older)
    else:
        left_out = "BEFORE_CONNECTION" if older else ""
    if way.ready and left_out:
        way = routing.Way(left_out, "skipped")
    row = Order(
        merchant_id=account.merchant_id,
        account_id=account.pk,
        store_id=account.store_id,
        platform=account.platform,
        marketplace_order_id=order.order_id,
        shipped_when_seen=shipped,
        takes_stock=bool(past and past.takes_stock and shipped),
        imported_at=moment,
        state_since=moment,
        paid_at=None if order.status.value == "incomplete" else order.purchased_at,
        **_their_fields(order),
    )
    if way.ready:
        row.export_state, row.reason_code, row.next_attempt_at = ExportState.IMPORTED, "QUEUED", order.purchased_at
    else:
        row.export_state, row.reason_code = way.state, way.code
        row.reason_data = reason_data(account, row, problem=order.problem)
        if way.state == ExportState.WAITING:
            row.next_attempt_at, row.retrying_since = moment, moment
    return row


def reason_data(account: MarketplaceAccount, row: Order, **more: Any) -> dict[str, Any]:
    """Return the names a reason's sentence needs."""
    return {
        "platform": account.platform,
        "store_platform": account.store.platform,
        "account": account.name,
        "order": row.marketplace_order_id,
        **{key: value for key, value in more.items() if value not in ("", None)},
    }


def _line(row: Order, number: int, line: MarketplaceOrderLine) -> OrderLine:
    return OrderLine(
        merchant_id=row.merchant_id,
        order_id=row.pk,
        number=number,
        remote_id=line.line_id,
        seller_sku=line.seller_sku.strip()[:255],
        item_id=line.item_id,
        title=line.title[:500],
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


def _buyer(row: Order, order: MarketplaceOrder) -> Buyer:
    return Buyer(
        merchant_id=row.merchant_id,
        order_id=row.pk,
        sealed=personal.seal(order.personal),
        raw_sealed=personal.seal_raw(order.raw),
        tokens=personal.tokens(row.merchant_id, order.personal),
        delete_after=personal.delete_after(order),
    )


def _event(row: Order, stage: str, code: str, *, actor: str = "", **data: Any) -> OrderEvent:
    return OrderEvent(
        merchant_id=row.merchant_id, order_id=row.pk, stage=stage, code=code, data=data or row.reason_data, actor=actor
    )


# ── known orders ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _signature(line: Any) -> tuple[Any, ...]:
    number = line.line_id if isinstance(line, MarketplaceOrderLine) else line.remote_id
    return (number, line.seller_sku.strip(), line.quantity)


def _update(account: MarketplaceAccount, row: Order, order: MarketplaceOrder) -> None:
    """Apply a newer source state to a known order, and decide what it means for our own state."""
    before_status = row.status
    stored = list(OrderLine.objects.filter(order_id=row.pk).order_by("number"))
    lines_changed = sorted(map(_signature, stored)) != sorted(map(_signature, order.lines))
    buyer = Buyer.objects.filter(order_id=row.pk).first()
    if buyer is not None:
        archives.expect(row, order.personal.customization_urls)
    told = content_hash(order)
    order = _with_what_was_known(buyer, order)
    address_changed = _address_changed(buyer, order)
    for name, value in _their_fields(order).items():
        setattr(row, name, value)
    # Compared with the next reading, which tells no more than this one did.
    row.content_hash = told
    row.revision += 1
    if row.paid_at is None and order.status.value not in ("incomplete", "canceled"):
        row.paid_at = now()
    if lines_changed or any(line.item_total is None for line in stored) or before_status == "incomplete":
        _rewrite_lines(row, stored, order)
    else:
        _touch_lines(stored, order)
    _save_buyer(row, buyer, order)
    events: list[OrderEvent] = []
    who = MARKETPLACES.get(account.platform, account.platform)
    if row.status != before_status:
        events.append(_event(row, "import", "STATUS", actor=who, before=before_status, after=row.status))
    if lines_changed:
        events.append(_event(row, "import", "LINES_CHANGED", actor=who, units=row.units))
    _react(account, row, order, lines_changed=lines_changed, address_changed=address_changed, events=events)
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
    fresh = _buyer(row, order)
    if not buyer.edited_at:
        if set(order.personal.buyer_ids) - set(personal.unseal(buyer.sealed).buyer_ids):
            personal.keep_routes(row.platform, row.merchant_id, {row.pk: order.personal})
        buyer.sealed, buyer.tokens = fresh.sealed, fresh.tokens
    buyer.raw_sealed = fresh.raw_sealed
    buyer.delete_after = min(buyer.delete_after, fresh.delete_after) if order.parcels else fresh.delete_after
    buyer.save()


def _touch_lines(stored: list[OrderLine], order: MarketplaceOrder) -> None:
    shipped = {line.line_id: line.quantity_shipped for line in order.lines}
    changed = [line for line in stored if line.quantity_shipped != shipped.get(line.remote_id, line.quantity_shipped)]
    for line in changed:
        line.quantity_shipped = shipped[line.remote_id]
    if changed:
        OrderLine.objects.bulk_update(changed, ["quantity_shipped"])


def _rewrite_lines(row: Order, stored: list[OrderLine], order: MarketplaceOrder) -> None:
    """Write the lines anew; a match made by a person stays with its line."""
    kept = {line.remote_id: line for line in stored}
    OrderLine.objects.filter(order_id=row.pk).delete()
    fresh = []
    for number, source in enumerate(order.lines, 1):
        line = _line(row, number, source)
        old = kept.get(source.line_id)
        if old is not None and old.seller_sku == line.seller_sku:
            line.variant_id, line.matched_by = old.variant_id, old.matched_by
            line.matched_sku, line.match_note, line.parts = old.matched_sku, old.match_note, old.parts
        fresh.append(line)
    OrderLine.objects.bulk_create(fresh)


def _react(
    account: MarketplaceAccount,
    row: Order,
    order: MarketplaceOrder,
    *,
    lines_changed: bool,
    address_changed: bool,
    events: list[OrderEvent],
) -> None:
    """Decide our own state after a change at the marketplace."""
    if row.export_state == ExportState.CREATED:
        _task_for_created(account, row, lines_changed=lines_changed, address_changed=address_changed, events=events)
        return
    if row.export_state in (ExportState.SENDING, ExportState.UNKNOWN, ExportState.CANCELED):
        # The commit after the call compares the revision; a canceled order stays canceled.
        return
    if row.reason_code in ("UNKNOWN_TOO_LONG", "TWO_FOUND"):
        # The store may have it: its units stay, and a cancellation is applied once a person has settled the outcome.
        return
    way = routing.way(facts_of(order, shipped_when_seen=row.shipped_when_seen), _wishes(account), now=now())
    if way.state in ("canceled", "skipped") or way.code in (
        "NOT_PAID_YET",
        "UNREADABLE",
        "FBA_NOT_SHIPPED",
        "ADDRESS_MISSING",
        "ADDRESS_WITHHELD",
        "CANCEL_REQUESTED",
        "TOO_OLD",
    ):
        if row.export_state == "skipped" and way.state not in ("canceled",):
            return
        _stop(account, row, way, order, events)
        return
    if row.export_state == "skipped" and row.reason_code not in ("NOT_PAID_YET",):
        return
    if lines_changed:
        reservations.release(order_ids=[row.pk], cause="lines changed")
        StockWait.objects.filter(order_id=row.pk).delete()
    was_blocked = row.reason_code in (
        "NOT_PAID_YET",
        "FBA_NOT_SHIPPED",
        "ADDRESS_MISSING",
        "ADDRESS_WITHHELD",
        "CANCEL_REQUESTED",
        "UNREADABLE",
        "TOTAL_MISMATCH",
    )
    cured_address = row.reason_code == "ADDRESS_REJECTED" and address_changed
    if lines_changed or was_blocked or cured_address:
        make_due(row)


def make_due(row: Order) -> None:
    """Turn the order to *imported*, due at its turn; the caller saves it."""
    row.export_state, row.reason_code, row.reason_data = ExportState.IMPORTED, "QUEUED", {}
    row.state_since = now()
    row.next_attempt_at = row.paid_at or row.purchased_at
    row.attempts, row.retrying_since = 0, None
    row.lease_until, row.lease_token = None, None


def _stop(
    account: MarketplaceAccount, row: Order, way: routing.Way, order: MarketplaceOrder, events: list[OrderEvent]
) -> None:
    if (row.export_state, row.reason_code) == (way.state, way.code):
        return
    released = reservations.release(order_ids=[row.pk], cause=way.code)
    StockWait.objects.filter(order_id=row.pk).delete()
    row.export_state, row.reason_code = way.state, way.code
    row.reason_data = reason_data(account, row, problem=order.problem, units=sum(released.values()) or None)
    row.state_since = now()
    row.lease_until, row.lease_token = None, None
    row.next_attempt_at = now() if way.state == ExportState.WAITING else None
    row.retrying_since = now() if way.state == ExportState.WAITING else None
    events.append(_event(row, "import", way.code))


def _task_for_created(
    account: MarketplaceAccount, row: Order, *, lines_changed: bool, address_changed: bool, events: list[OrderEvent]
) -> None:
    """An order that is in the store changed at the marketplace: open a task that says so (F25)."""
    kinds = [
        ("canceled", row.status == "canceled"),
        ("lines", lines_changed and row.status != "canceled"),
        ("address", address_changed),
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
        events.append(_event(row, "change", "CHANGED_AFTER_CREATION", what=what, store_order=row.store_order_name))
