"""Send a group of at most four orders to the store, and save each outcome as it comes (MECHANISMS 3 and 4)."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection
from django.db.models import F
from django.db.models.functions import Greatest

from connectors.contract.errors import (
    AccessDenied,
    AddressRejected,
    AuthorizationExpired,
    ConnectorError,
    OptionsMissing,
    OutcomeUnknown,
    OutOfStock,
    RateLimited,
    Rejected,
    TransientError,
)
from connectors.contract.storefront import Storefront
from connectors.contract.types import StoreOrderFound
from inventory import refresh, reservations, stock
from notifications import alerts
from orders import breaker, personal
from orders.breaker import lost
from orders.models import Order, StockWait, StoreOrder
from orders.steps import record, settle
from orders.steps.batch import Batch, Item
from orders.steps.crash import crash_here
from orders.steps.drafting import generation_of
from salestio import routes, tenancy
from salestio.lib.money import shown

log = logging.getLogger(__name__)
GROUP = 4


@cache
def pool() -> ThreadPoolExecutor:
    """Return the threads that wait for stores; they make calls only, rows are written by the lane's own thread."""
    return ThreadPoolExecutor(max_workers=48, thread_name_prefix="store-call")


def _call(storefront: Storefront, item: Item) -> StoreOrderFound:
    assert item.draft is not None
    crash_here("before_call")
    try:
        found = storefront.create_order(item.draft)
    finally:
        close_old_connections()
    crash_here("after_call")
    return found


def send_group(batch: Batch, items: Sequence[Item], storefront: Storefront) -> bool:
    """Make the calls of a group whose *sending* is committed; return False when the store asks us to stop for now."""
    calls: dict[Future[StoreOrderFound], Item]
    if len(items) == 1:
        return _outcome(batch, items[0], _run(storefront, items[0]))
    calls = {pool().submit(_call, storefront, item): item for item in items}
    going, broken = True, None
    for future in as_completed(calls):
        result: StoreOrderFound | Exception
        try:
            result = future.result()
        except Exception as error:
            result = error
        try:
            going = _outcome(batch, calls[future], result) and going
        except Exception as error:
            # This order stays *sending* and is looked up when its lease ends; the others' outcomes must still be saved.
            broken = error
    if broken is not None:
        raise broken
    return going


def _run(storefront: Storefront, item: Item) -> StoreOrderFound | Exception:
    try:
        return _call(storefront, item)
    except Exception as error:
        return error


def _outcome(batch: Batch, item: Item, result: StoreOrderFound | Exception) -> bool:
    """Save what came of one call; return False when the lane should pause."""
    if isinstance(result, StoreOrderFound):
        breaker.succeeded(batch.store)
        finish(batch, item, result, generation=generation_of(item), money=item.money)
        return True
    if isinstance(result, OutcomeUnknown):
        breaker.failed(batch.store)
        _unknown(batch, item, result)
        return not breaker.is_open(batch.store)
    if isinstance(result, AuthorizationExpired):
        lost(batch.store)
        _nothing_happened(batch, item, "RECONNECT_NEEDED", connection=batch.store.name)
        return False
    if isinstance(result, RateLimited):
        _nothing_happened(batch, item, "THROTTLED", seconds=max(result.retry_after, 0.05))
        return False
    if isinstance(result, TransientError):
        breaker.failed(batch.store)
        _nothing_happened(batch, item, "STORE_DOWN", text=result.message)
        return not breaker.is_open(batch.store)
    if isinstance(result, Rejected):
        breaker.succeeded(batch.store)
        _refused(batch, item, result)
        return True
    if isinstance(result, ConnectorError):
        log.error("the store's answer to a create could not be read", extra={"order": item.order.pk})
        _unknown(batch, item, OutcomeUnknown(result.message))
        return True
    # Our own code failed around the call: whether it left is not known, so it is looked up like any unanswered one.
    log.error("a create broke on our side", exc_info=result, extra={"order": item.order.pk})
    _unknown(batch, item, OutcomeUnknown(f"{type(result).__name__} on our side"))
    return True


def finish(
    batch: Batch,
    item: Item,
    found: StoreOrderFound,
    *,
    generation: int,
    money: Mapping[str, str],
    adopted: bool = False,
    code: str = "CREATED",
) -> None:
    """Save a store order that exists, then look whether the marketplace changed meanwhile and whether the sum is right.

    `money` is what the call asked for (`StoreOrder.money`), empty when somebody else made the order.
    """
    after = record.created(batch, item, found, generation=generation, adopted=adopted, code=code)
    crash_here("after_created_commit")
    if after is None:
        two_found(batch, item, [found])
        return
    item.order.export_state, item.order.store_order_name = "created", found.name
    wrong_total = _differs(found, money)
    if not (after.changed or wrong_total or found.left_out):
        return
    with tenancy.scope(batch.merchant_id):
        facts = batch.names(item) | {"order_id": item.order.pk, "store_order": found.name}
        if found.left_out:
            batch.say(item, "export", "LEFT_OUT", parts=list(found.left_out))
        if after.changed and after.status == "canceled":
            routes.emit(
                "order.canceled_while_sending",
                key=f"cancel:{item.order.pk}",
                store_id=batch.store.pk,
                order_id=item.order.pk,
            )
            batch.say(item, "change", "CANCELED_WHILE_SENDING", store_order=found.name)
        elif after.changed:
            alerts.raise_alert(kind="order_changed", key=f"{item.order.pk}:meanwhile", data=facts | {"what": "lines"})
            batch.say(item, "change", "CHANGED_AFTER_CREATION", what="lines", store_order=found.name)
        if wrong_total:
            currency = money["currency"]
            theirs = found.currency or currency
            sums = {"paid": money["total"], "store": f"{shown(found.total, theirs)} {theirs}", "currency": currency}
            alerts.raise_alert(kind="total_differs", key=str(item.order.pk), data=facts | sums)
            batch.say(item, "export", "TOTAL_DIFFERS", **sums)
        settle.write(batch, [])


def _differs(found: StoreOrderFound, money: Mapping[str, str]) -> bool:
    """Say whether the store made another total than it was asked for; the same number of another currency is another."""
    if not money or found.total is None:
        return False
    return found.currency not in ("", money["currency"]) or found.total != Decimal(money["total"])


def two_found(batch: Batch, item: Item, found: Sequence[StoreOrderFound]) -> None:
    """Raise the alarm: the store holds this order more than once. Nothing is deleted (MECHANISMS 4)."""
    with tenancy.scope(batch.merchant_id):
        order = Order.objects.get(pk=item.order.pk)
        names = sorted({one.name for one in found} | ({order.store_order_name} - {""}))
        facts = batch.names(item) | {"names": names, "count": len(names), "order_id": order.pk}
        alerts.raise_alert(kind="two_store_orders", key=str(order.pk), data=facts)
        batch.say(item, "export", "TWO_FOUND", **facts)
        if order.export_state != "created":
            item.order = order
            order.lease_token = batch.token
            Order.objects.filter(pk=order.pk).update(lease_token=batch.token)
            settle.hold(batch, item, "TWO_FOUND", names=names, count=len(names))
            settle.write(batch, [item])
        else:
            settle.write(batch, [])


def _nothing_happened(batch: Batch, item: Item, code: str, *, seconds: float | None = None, **data: Any) -> None:
    """The store surely did nothing: the order waits with its units kept, and its try is not counted as a send."""

    def save() -> None:
        with tenancy.scope(batch.merchant_id):
            if not _take_back(batch, item, code):
                return
            # Surely not sent: a pause asked for twenty times says nothing about an outcome that is not known later.
            StoreOrder.objects.filter(order_id=item.order.pk, generation=generation_of(item), state="sending").update(
                state="refused", sends=Greatest(F("sends") - 1, 0)
            )
            if code == "STORE_DOWN" and breaker.is_open(batch.store):
                settle.wait(batch, item, code, seconds=breaker.until_probe(batch.store), **data)
            else:
                settle.wait(batch, item, code, seconds=seconds, **data)
            settle.write(batch, [item])

    record.persistently(save)


def _take_back(batch: Batch, item: Item, code: str) -> bool:
    """Lock the order after a call that did nothing; False when it is not ours any more or was canceled meanwhile."""
    order = Order.objects.select_for_update().get(pk=item.order.pk)
    if order.lease_token != batch.token or order.export_state != "sending":
        log.info("an order changed hands during its call", extra={"order": order.pk, "code": code})
        return False
    order.attempts = item.order.attempts
    order.reason_code, order.retrying_since = item.order.reason_code, item.order.retrying_since
    item.order = order
    if order.status == "canceled":
        units = reservations.release(order_ids=[order.pk], cause="CANCELED")
        StoreOrder.objects.filter(order_id=order.pk, state="sending").update(state="refused")
        order.export_state = "imported"
        settle.cancel(batch, item, "CANCELED", units=sum(units.values()))
        settle.write(batch, [item])
        return False
    reservations.mark(order_ids=[order.pk], state="kept")
    return True


def _unknown(batch: Batch, item: Item, error: OutcomeUnknown) -> None:
    """No clear answer: the order is *unknown*, its units stay, and the look-ups begin at once."""

    facts = batch.names(item) | {"looks": len(settings.TIMES.lookup_waits)}

    def save() -> None:
        with tenancy.scope(batch.merchant_id), connection.cursor() as cursor:
            cursor.execute(
                """WITH s AS (
                       UPDATE orders_storeorder SET state = 'unknown', unknown_since = coalesce(unknown_since, now()),
                              look_base = sent_at, lookups = 0
                       WHERE order_id = %s AND generation = %s AND state = 'sending' RETURNING order_id, sent_at),
                   r AS (UPDATE inventory_reservation SET state = 'unknown'
                         WHERE order_ref IN (SELECT order_id FROM s) AND state IN ('kept', 'sending')),
                   o AS (UPDATE orders_order o SET export_state = 'unknown', reason_code = 'NO_ANSWER', state_since = now(),
                                reason_data = %s::jsonb
                                    || jsonb_build_object('asked_at', s.sent_at, 'look', 1, 'again_at', now()),
                                next_attempt_at = now(), lease_until = NULL, lease_token = NULL
                         FROM s WHERE o.id = s.order_id AND o.export_state = 'sending' RETURNING o.id, o.merchant_id)
                   INSERT INTO orders_orderevent (merchant_id, order_id, at, stage, code, data, actor, attempt)
                   SELECT merchant_id, id, now(), 'export', 'NO_ANSWER', jsonb_build_object('text', %s::text), %s, %s FROM o""",
                [
                    item.order.pk, generation_of(item), json.dumps(facts),
                    personal.without(error.message, item.personal)[:200], item.actor, item.order.attempts,
                ],
            )  # fmt: skip

    record.persistently(save)
    crash_here("after_unknown_commit")
    item.order.export_state = "unknown"


def _refused(batch: Batch, item: Item, error: Rejected) -> None:
    """A clear no: hold the order with the store's own words; a stock refusal gives the units back (MECHANISMS 5)."""

    def save() -> None:
        with tenancy.scope(batch.merchant_id):
            if not _take_back(batch, item, error.code):
                return
            StoreOrder.objects.filter(order_id=item.order.pk, generation=generation_of(item), state="sending").update(
                state="refused"
            )
            texts = [personal.without(text, item.personal) for text in error.texts]
            if isinstance(error, OutOfStock):
                _refused_for_stock(batch, item, texts)
            elif isinstance(error, AddressRejected):
                # The store's words would be about what the marketplace keeps to itself: say what is to be done.
                unknown = "address" in item.order.withheld and not item.order.has_address
                code = "ADDRESS_WITHHELD" if unknown else "ADDRESS_REJECTED"
                settle.hold(batch, item, code, texts=texts, fields=list(error.fields))
            elif isinstance(error, OptionsMissing):
                settle.hold(batch, item, "OPTIONS_MISSING", texts=texts, names=list(error.fields))
            elif isinstance(error, AccessDenied):
                settle.hold(batch, item, "STORE_REFUSED", texts=texts, refusal=error.code)
                alerts.raise_alert(
                    kind="access_denied",
                    key=f"store:{batch.store.pk}",
                    data=batch.names(item) | {"texts": texts, "store": batch.store.name},
                )
            else:
                settle.hold(batch, item, "STORE_REFUSED", texts=texts, refusal=error.code, fields=list(error.fields))
            settle.write(batch, [item])

    record.persistently(save)
    if isinstance(error, OutOfStock) and item.order.reason_code == "OUT_OF_STOCK":
        _say_what_there_is(batch, item)


def _say_what_there_is(batch: Batch, item: Item) -> None:
    """Read the figures of a refused order at once and put the fresh numbers into its reason."""
    ids = sorted({variant_id for line in item.live_lines for variant_id, _ in line.components})
    try:
        refresh.read_now(batch.merchant_id, batch.store.pk, variant_ids=ids)
    except ConnectorError as error:
        log.info("no fresh figure after a refusal", extra={"order": item.order.pk, "error": type(error).__name__})
        return
    with tenancy.scope(batch.merchant_id):
        free = stock.available(ids, batch.location_of(item))
        facts = item.order.reason_data
        for short in facts["items"]:
            short["available"] = max(free.get(short["variant_id"], 0), 0)
        Order.objects.filter(pk=item.order.pk, export_state="held", reason_code="OUT_OF_STOCK").update(
            reason_data=facts
        )


def _refused_for_stock(batch: Batch, item: Item, texts: list[str]) -> None:
    """The store has fewer units than its last figure said: release, read the figure at once, hold with what we know."""
    reservations.release(order_ids=[item.order.pk], cause="the store refused", wake=False)
    facts: list[dict[str, Any]] = []
    for line in item.live_lines:
        for variant_id, units in () if line.digital else line.components:
            variant = batch.variants.get(variant_id)
            facts.append(
                {
                    "line": line.number, "seller_sku": line.seller_sku, "variant_id": variant_id,
                    "sku": variant.sku if variant else line.matched_sku, "wanted": line.quantity * units,
                    "available": 0, "location": "", "ahead": "",
                }
            )  # fmt: skip
    settle.hold(batch, item, "OUT_OF_STOCK", items=facts, texts=texts, by_store=True)
    from orders.steps.reserve import queue_for_stock

    StockWait.objects.filter(order_id=item.order.pk).delete()
    queue_for_stock(batch, item, [(f["variant_id"], f["wanted"]) for f in facts if f["variant_id"]])


def give_back(batch: Batch, items: Sequence[Item]) -> None:
    """Return what was claimed and not sent: the lease ends, the units stay kept, the next drain takes it up."""
    if not items:
        return
    with tenancy.scope(batch.merchant_id):
        Order.objects.filter(pk__in=[item.order.pk for item in items], lease_token=batch.token).update(
            lease_until=None, lease_token=None, next_attempt_at=batch.now + timedelta(milliseconds=1)
        )
