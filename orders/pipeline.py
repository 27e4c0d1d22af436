"""How orders move: drain a lane, or advance one order for a person. The same steps on a batch (MECHANISMS 3).

The happy path commits at three points and nowhere else: (1) claim → match → reserve for the whole batch, (2) *sending*
for the few whose calls leave now, (3) one commit an order with the store order's id. No call is made inside a transaction.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.utils.timezone import now

from accounts import connections, read_only
from accounts.models import Store, StoreRoute
from connectors.contract.errors import AuthorizationExpired, ConnectorError
from connectors.contract.storefront import Storefront
from inventory import reservations
from orders import breaker, bulk, guard
from orders.breaker import lost
from orders.domain import routing
from orders.domain.matching import CUSTOM
from orders.models import Order, OrderEvent, StockWait, StoreOrder
from orders.pull import database_now, hear
from orders.reasons import sentence
from orders.steps import drafting, record, send, settle, unknown
from orders.steps.batch import Batch, Item, claim_due, claim_one, load_buyers, load_catalog
from orders.steps.crash import crash_here
from orders.steps.match import match_batch
from orders.steps.reserve import reserve_batch
from salestio import doorbell, tenancy
from salestio.lib.backoff import retry_delay

log = logging.getLogger(__name__)
DRAIN = "orders.tasks.drain"
LANE_BATCH = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What pressing Export came to: the order's state, its reason in words, and the store order's name if there is one."""

    state: str
    code: str
    message: str
    store_order_name: str = ""
    acted: bool = True
    """False when nothing was done: it is in the store already, or a worker has it right now."""


# ── a lane ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def drain(merchant_id: int, store_id: int, *, batches: int = 50, seconds: float = 3600.0) -> int:
    """Work off the lane's due orders; return how many were taken up. Others' lanes get their turn after `batches`, or
    after `seconds`."""
    done = 0
    end = time.monotonic() + seconds
    StoreRoute.objects.filter(store_ref=store_id).update(last_served_at=now())
    limit = LANE_BATCH
    for _ in range(batches):
        try:
            taken, going = _drain_batch(merchant_id, store_id, limit)
        except PoisonBatch as poison:
            # One order broke the batch: take the next ones singly, so that it stops alone.
            if limit == 1:
                _hold_poison(merchant_id, poison)
            limit = 1
            continue
        done += taken
        if not taken or not going:
            return done
        if time.monotonic() > end:
            break
    doorbell.ring_now(DRAIN, merchant_id, store_id)
    return done


class PoisonBatch(RuntimeError):
    """Preparing a batch raised; nothing of it was saved. Carries the orders and the cause."""

    def __init__(self, order_ids: Sequence[int], cause: Exception) -> None:
        super().__init__(f"{len(order_ids)} orders, {type(cause).__name__}")
        self.order_ids = list(order_ids)
        self.cause = cause


def _drain_batch(merchant_id: int, store_id: int, limit: int) -> tuple[int, bool]:
    """Take up one batch; return how many, and whether the lane may go on."""
    batch: Batch | None = None
    sending: list[Item] = []
    with tenancy.scope(merchant_id):
        moment = database_now()
        batch = claim_due(merchant_id, store_id, limit=limit, moment=moment)
        if batch is None:
            return 0, False
        try:
            ready, asking = _prepare(batch)
            if len(ready) <= send.GROUP and not asking and not guard.wanted(batch, ready) and not settings.RECOVERY:
                sending = record.mark_sending(batch, ready) if ready else []
                rest: list[Item] = []
            else:
                rest = ready
        except ConnectorError:
            raise
        except Exception as error:
            log.exception("a batch broke", extra={"store": store_id})
            raise PoisonBatch([item.order.pk for item in batch.items], error) from error
    crash_here("after_claim_commit")
    return len(batch.items), _send_all(batch, sending, rest, asking)


def _prepare(batch: Batch) -> tuple[list[Item], list[Item]]:
    """Decide, match and reserve in the open transaction; return the orders to send and the unknown ones to look up."""
    asking = [item for item in batch.items if item.order.export_state in ("unknown", "sending")]
    fresh = [item for item in batch.items if item not in asking]
    ready = _advance_in_database(batch, fresh)
    return ready, asking


def _advance_in_database(batch: Batch, items: Sequence[Item]) -> list[Item]:
    """Route, match, reserve and draft these orders and save where each came to rest; return those to send."""
    going = [item for item in items if _route(batch, item)]
    probing = _stopped_by_store(batch, going)
    going = [item for item in going if item in probing]
    # What waits in read-only mode already was prepared once; a person's Export looks at everything again.
    asleep = [item for item in going if item.order.reason_code == read_only.CODE and not item.by_hand]
    awake = _stopped_by_read_only(batch, asleep)
    going = [item for item in going if item not in asleep or item in awake]
    if going:
        load_catalog(batch, going)
        matched = match_batch(batch, going)
        load_buyers(matched)
        drafted = []
        for item in matched:
            item.draft = drafting.draft_or_hold(batch, item)
            if item.draft is not None:
                drafted.append(item)
        ready = reserve_batch(batch, drafted)
        drafting.name_places(batch, ready)
        for item in ready:
            if item.changed_lines:
                rules = {line.matched_by for line in item.live_lines}
                code = "MATCHED" if CUSTOM not in rules else "WITHOUT_PRODUCT"
                batch.say(item, "match", code, rules=sorted(rules - {CUSTOM}))
        ready = _stopped_by_read_only(batch, ready)
    else:
        ready = []
    settle.write(batch, items, keep=ready)
    return ready


def _route(batch: Batch, item: Item) -> bool:
    """Apply the creation matrix; False when the order rests somewhere."""
    order = item.order
    account = batch.accounts[order.account_id]
    chosen = batch.chosen[order.account_id]
    way = routing.way(
        routing.OrderFacts(
            status=order.status,
            fulfilled_by=order.fulfilled_by,
            has_address=order.has_address,
            shipped_when_seen=order.shipped_when_seen,
            problem="" if order.reason_code != "UNREADABLE" else str(order.reason_data.get("problem", "unreadable")),
            lines=len(item.live_lines),
            purchased_at=order.purchased_at,
            address_withheld="address" in order.withheld,
            cancel_requested=order.cancel_requested,
            takes_stock=order.takes_stock,
        ),
        routing.Wishes(
            import_orders=chosen.import_orders,
            order_type=chosen.order_type,
            older_allowed=connections.sees_old_orders(batch.store),
            withheld_address=chosen.withheld_address,
        ),
        now=batch.now,
        asked=bool(order.asked_by),
        by_hand=item.by_hand,
        create_anyway=item.create_anyway,
    )
    item.way = way
    if way.ready:
        return True
    released = reservations.release(order_ids=[order.pk], cause=way.code) if way.frees_units else {}
    StockWait.objects.filter(order_id=order.pk).delete()
    if way.state == "canceled":
        settle.cancel(batch, item, way.code, units=sum(released.values()))
    elif way.state == "skipped":
        settle.skip(batch, item, way.code)
    elif way.state == "held":
        settle.hold(batch, item, way.code, problem=order.reason_data.get("problem", ""))
    elif way.state == "waiting":
        hear(account.pk, [order.marketplace_order_id])
        settle.wait(batch, item, way.code)
    else:
        settle.rest_imported(batch, item, way.code)
    return False


def _stopped_by_store(batch: Batch, items: Sequence[Item]) -> list[Item]:
    """Let orders wait while the store is disconnected or its breaker open; return those that may go on."""
    store = batch.store
    if not store.is_active:
        gone = store.uninstalled_at is not None
        for item in items:
            code = "STORE_UNINSTALLED" if gone else "RECONNECT_NEEDED"
            settle.wait(batch, item, code, seconds=3600.0, connection=store.name)
        return []
    if not breaker.is_open(store) or not items:
        return list(items)
    probe = [items[0]] if breaker.may_probe(store) or items[0].by_hand else []
    for item in items[len(probe) :]:
        settle.wait(batch, item, "STORE_DOWN", seconds=breaker.until_probe(store))
    return probe


def _stopped_by_read_only(batch: Batch, items: Sequence[Item]) -> list[Item]:
    """Let orders that are ready wait while nothing may be sent, their units kept (F13); return those that may go on."""
    stopped: dict[int, str] = {}
    going = []
    for item in items:
        account = batch.accounts[item.order.account_id]
        if account.pk not in stopped:
            stopped[account.pk] = read_only.stops(store=batch.store, account=account, merchant_id=batch.merchant_id)
        if stopped[account.pk]:
            settle.wait(batch, item, read_only.CODE, seconds=settings.TIMES.read_only, where=stopped[account.pk])
        else:
            going.append(item)
    return going


# ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _send_all(batch: Batch, sending: list[Item], rest: list[Item], asking: list[Item]) -> bool:
    """Make the batch's calls; return whether the lane may go on."""
    if not (sending or rest or asking):
        return True
    try:
        storefront = connections.storefront(batch.store)
    except AuthorizationExpired:
        lost(batch.store)
        send.give_back(batch, [*rest])
        for item in sending:
            send._nothing_happened(batch, item, "RECONNECT_NEEDED", connection=batch.store.name)
        return False
    going = True
    if sending:
        crash_here("after_sending_commit")
        going = send.send_group(batch, sending, storefront)
    for item in asking:
        again = _look_up(batch, item, storefront)
        if again:
            rest.append(again)
    if rest:
        rest = guard.clear(batch, rest, storefront)
    try:
        while rest and going:
            group, rest = rest[: send.GROUP], rest[send.GROUP :]
            with tenancy.scope(batch.merchant_id):
                marked = record.mark_sending(batch, group)
            crash_here("after_sending_commit")
            if marked:
                going = send.send_group(batch, marked, storefront)
    finally:
        send.give_back(batch, rest)
    return going


def _look_up(batch: Batch, item: Item, storefront: Storefront, *, sure_not_there: bool = False) -> Item | None:
    """Look an unanswered order up; return it when it is to be sent again, prepared like a new one."""
    if item.order.export_state == "sending":
        unknown.begin(batch, item)
    if not unknown.look(batch, item, storefront, sure_not_there=sure_not_there):
        return None
    with tenancy.scope(batch.merchant_id):
        item.by_hand = True  # settings do not stop what was decided before; facts still do
        ready = _advance_in_database(batch, [item])
    return ready[0] if ready else None


def _hold_poison(merchant_id: int, poison: PoisonBatch) -> None:
    """Set the one order aside that cannot be worked on, its units as they are; tried again by F63's clock."""
    with tenancy.scope(merchant_id):
        for order in Order.objects.select_for_update().select_related("account__store").filter(pk__in=poison.order_ids):
            facts = {"problem": type(poison.cause).__name__, "platform": order.platform, "order": order.marketplace_order_id,
                     "store_platform": order.account.store.platform}  # fmt: skip
            since = order.retrying_since if order.reason_code == "FAULT" and order.retrying_since else now()
            unit = settings.TIMES.retry_unit
            delay = retry_delay(order.attempts + 1, age=(now() - since).total_seconds() / unit)
            Order.objects.filter(pk=order.pk).update(
                export_state="waiting" if delay is not None else "held", reason_code="FAULT", reason_data=facts,
                state_since=now(), retrying_since=since, attempts=F("attempts") + 1, lease_until=None, lease_token=None,
                next_attempt_at=now() + timedelta(seconds=delay * unit) if delay is not None else None,
            )  # fmt: skip
            OrderEvent.objects.create(
                merchant_id=merchant_id, order_id=order.pk, stage="export", code="FAULT", data=facts
            )


# ── one order, for a person ──────────────────────────────────────────────────────────────────────────────────────────


def advance(
    merchant_id: int,
    order_id: int,
    *,
    actor: str,
    create_anyway: bool = False,
    again: bool = False,
    sure_not_there: bool = False,
    patience: float = 6.0,
) -> Outcome:
    """Export one order now and say what came of it. Call it outside any scope; pressing twice does no harm.

    `create_anyway` sends it at zero stock (F65), `again` makes a new one after it was deleted in the store, and
    `sure_not_there` is a person's word about an unanswered create. All are logged with `actor`. Waits up to `patience`
    seconds for a worker that has the order right now.
    """
    deadline = time.monotonic() + patience
    while True:
        with tenancy.scope(merchant_id):
            order = Order.objects.get(pk=order_id)
            settled = _nothing_to_do(order, again=again)
            if settled:
                return settled
            store: Store | None = order.store if _needs_fresh_stock(order) else None
        if store is not None:
            _read_stock_now(merchant_id, store, order)
        batch, sending = _claim_for_person(merchant_id, order_id, actor=actor, create_anyway=create_anyway, again=again)
        if batch is not None:
            break
        if time.monotonic() > deadline:
            return _outcome_of(merchant_id, order_id, acted=False)
        # A person waits in a web request, not in a worker: look again in a moment.
        time.sleep(0.15)
    item = batch.items[0]
    asking = [item] if item.order.export_state in ("unknown", "sending") and not sending else []
    if asking and sure_not_there:
        storefront = connections.storefront(batch.store)
        prepared = _look_up(batch, item, storefront, sure_not_there=True)
        _send_all(batch, [], [prepared] if prepared else [], [])
    else:
        _send_all(batch, sending, [], asking)
    return _outcome_of(merchant_id, order_id)


def _nothing_to_do(order: Order, *, again: bool) -> Outcome | None:
    gone = order.reason_code == "GONE_IN_STORE"
    if order.export_state == "created" and not (again and gone):
        return Outcome("created", "", "", order.store_order_name, acted=False)
    if order.reason_code == "SKU_CHANGED":
        return Outcome(
            order.export_state, order.reason_code, sentence(order.reason_code, order.reason_data), acted=False
        )
    return None


def _needs_fresh_stock(order: Order) -> bool:
    return order.export_state == "held" and order.reason_code == "OUT_OF_STOCK"


def _read_stock_now(merchant_id: int, store: Store, order: Order) -> None:
    """Read the figures this order is short of, so that a person who just raised the stock is believed at once."""
    from inventory import refresh

    wanted = {item["variant_id"] for item in order.reason_data.get("items", []) if item.get("variant_id")}
    try:
        refresh.read_now(merchant_id, store.pk, variant_ids=sorted(wanted))
    except ConnectorError as error:
        log.info(
            "stock could not be read for an export by hand", extra={"order": order.pk, "error": type(error).__name__}
        )


def _claim_for_person(
    merchant_id: int, order_id: int, *, actor: str, create_anyway: bool, again: bool
) -> tuple[Batch | None, list[Item]]:
    with tenancy.scope(merchant_id):
        batch = claim_one(merchant_id, order_id, moment=database_now())
        if batch is None:
            return None, []
        item = batch.items[0]
        item.by_hand, item.create_anyway, item.actor = True, create_anyway, actor
        if not item.order.asked_by:
            # Kept, so that an order that now has to wait for something goes on by itself in spite of the settings.
            item.order.asked_by = actor[:160]
            Order.objects.filter(pk=order_id).update(asked_by=item.order.asked_by)
        batch.say(item, "person", "EXPORT_ASKED", create_anyway=create_anyway, again=again)
        if item.order.export_state in ("unknown", "sending"):
            settle.write(batch, [])
            return batch, []
        if item.order.export_state == "held" and item.order.reason_code == "UNKNOWN_TOO_LONG":
            _back_to_unknown(batch, item)
            return batch, []
        if item.order.export_state == "held" and item.order.reason_code == "TWO_FOUND":
            settle.write(batch, [])
            Order.objects.filter(pk=order_id).update(lease_until=None)
            return batch, []
        if item.order.export_state == "created":
            if not (again and item.order.reason_code == "GONE_IN_STORE"):
                # A worker was quicker than this click.
                settle.write(batch, [])
                Order.objects.filter(pk=order_id).update(lease_until=None)
                return batch, []
            item.order.export_state = "imported"
        ready = _advance_in_database(batch, [item])
        return batch, record.mark_sending(batch, ready) if ready else []


def _back_to_unknown(batch: Batch, item: Item) -> None:
    """*Check now* on an order held for too long without an answer: look it up once more."""
    settle.write(batch, [])
    Order.objects.filter(pk=item.order.pk).update(export_state="unknown", reason_code="NO_ANSWER")
    item.order.export_state = "unknown"
    if item.store_order:
        item.store_order.lookups = 0
        item.store_order.unknown_since = batch.now
        StoreOrder.objects.filter(pk=item.store_order.pk).update(lookups=0, unknown_since=batch.now)


def _outcome_of(merchant_id: int, order_id: int, *, acted: bool = True) -> Outcome:
    told = ("export_state", "reason_code", "reason_data", "store_order_name")
    with tenancy.scope(merchant_id):
        state, code, data, name = Order.objects.values_list(*told).get(pk=order_id)
    return Outcome(state, code, sentence(code, data) if code else "", name, acted=acted)


def export_many(merchant_id: int, order_ids: Sequence[int], *, actor: str, follow: bool = False) -> int:
    """Make these orders due now and ring their lanes; return how many. Those in the store or on their way stay as they are.

    With `follow` they are written down as one bulk export, whose count the Orders page shows.
    """
    with tenancy.scope(merchant_id):
        rows = list(
            Order.objects.select_for_update()
            .filter(pk__in=list(order_ids), export_state__in=("imported", "waiting", "held", "skipped"))
            .exclude(reason_code__in=("NOT_PAID_YET", "SKU_CHANGED", "TWO_FOUND", "UNKNOWN_TOO_LONG", "UNREADABLE"))
            .order_by("pk")
        )
        ids = [row.pk for row in rows]
        Order.objects.filter(pk__in=ids).update(
            export_state="imported", reason_code="QUEUED", reason_data={}, state_since=now(), asked_by=actor[:160],
            next_attempt_at=now(), retrying_since=None, attempts=0, lease_until=None, lease_token=None,
        )  # fmt: skip
        OrderEvent.objects.bulk_create(
            [
                OrderEvent(merchant_id=merchant_id, order_id=pk, stage="person", code="EXPORT_ASKED", actor=actor)
                for pk in ids
            ]
        )
        if follow and ids:
            bulk.note(order_ids=ids, left=len(set(order_ids)) - len(ids), actor=actor)
        for store_id in {row.store_id for row in rows}:
            doorbell.ring(DRAIN, merchant_id, store_id)
    return len(ids)
