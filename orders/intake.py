"""Save one page of marketplace orders, and the cursor with it, in one transaction (DESIGN 5, promise 1).

A new order is written whole before anything else happens to it. A known one is updated only by a newer source time, or
by other content of the same time. Marketplace changes never wait for a lease: they update what the marketplace says and
raise the order's revision; before `sending` they also decide its state, afterwards the commit after the call compares.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.db import DataError, connection, transaction
from django.db.models import Q
from django.utils.timezone import now

from accounts.models import MarketplaceAccount
from connectors.contract.types import MarketplaceOrder
from orders import archives, identity, nameless, personal, source, updates
from orders.domain import routing
from orders.domain.past import Past
from orders.domain.states import ExportState
from orders.models import Buyer, DirtyOrder, Order, OrderEvent, OrderLine
from orders.reasons import MARKETPLACES
from salestio import bulk, doorbell

log = logging.getLogger(__name__)
DRAIN = "orders.tasks.drain"
INTAKE_LOCK = 7072
"""First half of the advisory lock's key; the second is the account."""
UNSTORABLE = (DataError, OverflowError)
"""What PostgreSQL and the calendar raise for a value that is too large or too long. Texts are cleaned where they are read."""


@dataclass(slots=True)
class Saved:
    """What a page did."""

    new: int = 0
    changed: int = 0
    same: int = 0
    too_old: int = 0
    without_id: int = 0
    """Orders that cannot be rows; an alert tells each."""
    order_ids: list[int] = field(default_factory=list)
    unkept: list[int] = field(default_factory=list)
    """Known orders whose newer reading no row can hold."""

    def add(self, other: Saved) -> None:
        """Count what another did as well."""
        self.new += other.new
        self.changed += other.changed
        self.same += other.same
        self.too_old += other.too_old
        self.order_ids += other.order_ids
        self.unkept += other.unkept


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
    unique, without_id = nameless.parted(orders)
    without_id = [order for order in without_id if any_age or not _before_start(account, order)]
    _one_at_a_time(account.pk)
    save = partial(_save, account, any_age=any_age, via=via, past=past)
    try:
        with transaction.atomic():
            saved = save(list(unique.values()))
    except UNSTORABLE:
        # One of them holds what no row can: each by itself, so that it alone is held and the page goes on.
        saved = Saved()
        for order in unique.values():
            saved.add(_save_alone(account, order, save))
    if unique:
        heard = DirtyOrder.objects.filter(account_id=account.pk, marketplace_order_id__in=list(unique))
        (heard.filter(heard_at__lte=read_at) if read_at else heard).delete()
        newest = min(max(order.purchased_at for order in unique.values()), now())
        if account.newest_order_at is None or newest > account.newest_order_at:
            MarketplaceAccount.objects.filter(pk=account.pk).filter(
                Q(newest_order_at=None) | Q(newest_order_at__lt=newest)
            ).update(newest_order_at=newest)
    if without_id:
        log.error("orders without a usable id", extra={"account": account.pk, "count": len(without_id)})
        nameless.tell(account, without_id, read_at=read_at or now())
        saved.without_id = len(without_id)
    if saved.new or saved.changed:
        nameless.seen_again(account, unique.values(), set(saved.order_ids) - set(saved.unkept))
        doorbell.ring(DRAIN, account.merchant_id, account.store_id)
    return saved


def _save(
    account: MarketplaceAccount, orders: Sequence[MarketplaceOrder], *, any_age: bool, via: str, past: Past | None
) -> Saved:
    saved = Saved()
    known = {
        row.marketplace_order_id: row
        for row in Order.objects.select_for_update()
        .filter(account_id=account.pk, marketplace_order_id__in=[order.order_id for order in orders])
        .order_by("pk")
    }
    renamed, taken = identity.renamed(account, [order for order in orders if order.order_id not in known])
    known |= renamed
    paid_already = identity.paid_already(account, [order for order in orders if order.order_id not in known])
    fresh: list[MarketplaceOrder] = []
    for order in orders:
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
            order.updated_at == row.source_updated_at and source.content_hash(order) == row.content_hash
        ):
            saved.same += 1
            saved.order_ids.append(row.pk)
        else:
            updates.apply(account, row, order)
            saved.changed += 1
            saved.order_ids.append(row.pk)
    if fresh:
        saved.new = len(fresh)
        saved.order_ids += _insert(account, fresh, via=via, past=past)
    return saved


def _save_alone(
    account: MarketplaceAccount, order: MarketplaceOrder, save: Callable[[list[MarketplaceOrder]], Saved]
) -> Saved:
    """Save one order; if no row can hold it, what can be kept of it is held with that reason."""
    try:
        with transaction.atomic():
            return save([order])
    except UNSTORABLE as error:
        log.error("an order cannot be kept as it is", extra={"account": account.pk, "error": type(error).__name__})
    row = Order.objects.select_for_update().filter(
        account_id=account.pk, marketplace_order_id=order.order_id
    ).first()  # fmt: skip
    if row is None:
        return save([source.without_what_is_too_large(order)])
    updates.cannot_be_kept(account, row, order)
    return Saved(changed=1, order_ids=[row.pk], unkept=[row.pk])


def _one_at_a_time(account_id: int) -> None:
    """Let the list call and the hints of an account save one after the other: both may bring the same new order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [INTAKE_LOCK, account_id])


def _insert(
    account: MarketplaceAccount, orders: Sequence[MarketplaceOrder], *, via: str, past: Past | None = None
) -> list[int]:
    wishes = source.wishes(account)
    moment = now()
    rows = [_new_row(account, order, wishes, moment, past) for order in orders]
    bulk.insert(rows, return_ids=True)
    lines: list[OrderLine] = []
    buyers: list[Buyer] = []
    events: list[OrderEvent] = []
    for row, order in zip(rows, orders, strict=True):
        lines += [source.line(row, number, line) for number, line in enumerate(order.lines, 1)]
        buyers.append(source.buyer(row, order))
        events.append(
            OrderEvent(
                merchant_id=row.merchant_id, order_id=row.pk, at=moment, stage="import", code="IMPORTED",
                data={"status": row.status, "seconds": max(round((moment - order.updated_at).total_seconds()), 0), "via": via},
                actor=MARKETPLACES.get(account.platform, account.platform) + (f" {via}" if via else ""),
            )
        )  # fmt: skip
        if row.reason_code not in ("QUEUED", ""):
            events.append(source.event(row, "import", row.reason_code))
    bulk.insert(lines)
    bulk.insert(buyers)
    personal.keep_routes(
        account.platform, account.merchant_id, {row.pk: order.personal for row, order in zip(rows, orders, strict=True)}
    )
    bulk.insert(events)
    for row, order in zip(rows, orders, strict=True):
        archives.expect(row, order.personal.customization_urls)
    return [row.pk for row in rows]


def _before_start(account: MarketplaceAccount, order: MarketplaceOrder) -> bool:
    """Say whether an order was bought before the moment from which the account's orders are wanted.

    Etsy tells whole seconds only: what was bought in the second the account was connected in came after it.
    """
    return order.purchased_at < account.orders_from.replace(microsecond=0)


def _new_row(
    account: MarketplaceAccount,
    order: MarketplaceOrder,
    wishes: routing.Wishes,
    moment: datetime,
    past: Past | None = None,
) -> Order:
    shipped = order.status.value == "shipped"
    way = routing.way(source.facts_of(order, shipped_when_seen=shipped), wishes, now=moment)
    older = _before_start(account, order)
    if past is not None:
        left_out = past.leaves_out(shipped=shipped, before_connection=older)
    else:
        left_out = "BEFORE_CONNECTION" if older else ""
    # One that is not ready yet (unpaid, say) is left out now: once it is paid nobody asks any more.
    if left_out and (way.ready or way.state in (ExportState.IMPORTED, ExportState.WAITING)):
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
        **source.their_fields(order),
    )
    if way.ready:
        row.export_state, row.reason_code, row.next_attempt_at = ExportState.IMPORTED, "QUEUED", order.purchased_at
    else:
        row.export_state, row.reason_code = way.state, way.code
        row.reason_data = source.reason_data(account, row, problem=order.problem)
        if way.state == ExportState.WAITING:
            row.next_attempt_at, row.retrying_since = moment, moment
    return row
