"""The conflict guard: before an account's first exports, look for orders another connector made (F11).

It looks until twenty orders in a row were free of conflict, one search for the whole batch; a conflict starts the count
again. In recovery mode (after a restore, F34 of RELIABILITY) every first create is looked up.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.conf import settings
from django.db.models import F

from accounts.models import MarketplaceAccount
from connectors.contract.errors import AuthorizationExpired, ConnectorError, RateLimited
from connectors.contract.storefront import Storefront
from connectors.contract.types import StoreOrderFound
from inventory import reservations
from orders import breaker
from orders.models import StoreOrder
from orders.steps import send, settle
from orders.steps.batch import Batch, Item
from orders.steps.drafting import generation_of, order_key
from salestio import tenancy

log = logging.getLogger(__name__)
ENOUGH = 20


def wanted(batch: Batch, items: Sequence[Item]) -> bool:
    """Say whether any of these orders must be looked up before it is sent."""
    return settings.RECOVERY or any(_guarded(batch, item) for item in items)


def _guarded(batch: Batch, item: Item) -> bool:
    account = batch.accounts[item.order.account_id]
    first = item.store_order is None
    return first and batch.chosen[account.pk].conflict_guard and account.guard_clean < ENOUGH


def clear(batch: Batch, items: list[Item], storefront: Storefront) -> list[Item]:
    """Look the guarded orders up in one search; return those that may be sent. Conflicts are adopted or held."""
    look = [item for item in items if _guarded(batch, item) or (settings.RECOVERY and item.store_order is None)]
    if not look:
        return items
    try:
        found = dict(storefront.search_orders([item.order.marketplace_order_id for item in look]))
        if settings.RECOVERY:
            for item in look:
                key = order_key(batch, item, generation_of(item))
                mine = list(storefront.find_by_key(key, item.order.marketplace_order_id))
                found[item.order.marketplace_order_id] = [*found.get(item.order.marketplace_order_id, ()), *mine]
    except ConnectorError as error:
        log.info("the conflict guard could not look", extra={"store": batch.store.pk, "error": type(error).__name__})
        _wait(batch, look, error)
        return [item for item in items if item not in look]
    clean = [item for item in look if not found.get(item.order.marketplace_order_id)]
    for item in look:
        others = {one.id: one for one in found.get(item.order.marketplace_order_id, ()) if not one.canceled}
        if others:
            _conflict(batch, item, list(others.values()))
        elif item not in clean:
            clean.append(item)
    _count(batch, clean)
    return [item for item in items if item not in look or item in clean]


def _count(batch: Batch, clean: Sequence[Item]) -> None:
    with tenancy.scope(batch.merchant_id):
        for account_id in {item.order.account_id for item in clean}:
            number = sum(1 for item in clean if item.order.account_id == account_id)
            MarketplaceAccount.objects.filter(pk=account_id, guard_clean__lt=ENOUGH).update(
                guard_clean=F("guard_clean") + number
            )


def _wait(batch: Batch, items: Sequence[Item], error: ConnectorError) -> None:
    """Nothing was sent: the orders wait for what stopped the search, with their units kept."""
    seconds: float | None = None
    code = "STORE_DOWN"
    if isinstance(error, RateLimited):
        code, seconds = "THROTTLED", max(error.retry_after, 0.05)
    elif isinstance(error, AuthorizationExpired):
        code = "RECONNECT_NEEDED"
        breaker.lost(batch.store)
    else:
        breaker.failed(batch.store)
        if breaker.is_open(batch.store):
            seconds = breaker.until_probe(batch.store)
    with tenancy.scope(batch.merchant_id):
        for item in items:
            settle.wait(batch, item, code, seconds=seconds, connection=batch.store.name)
        settle.write(batch, items)


def _conflict(batch: Batch, item: Item, others: Sequence[StoreOrderFound]) -> None:
    """Adopt our own or the other connector's order if the merchant wants that, else hold and show it; never a second one."""
    generation = generation_of(item)
    ours = [one for one in others if one.key == order_key(batch, item, generation)]
    adopt = ours or (list(others) if batch.chosen[item.order.account_id].adopt_existing else [])
    if len(adopt) == 1 and len(others) == 1:
        adopt_order(batch, item, adopt[0], generation=generation)
        return
    with tenancy.scope(batch.merchant_id):
        MarketplaceAccount.objects.filter(pk=item.order.account_id).update(guard_clean=0)
        reservations.release(order_ids=[item.order.pk], cause="CONFLICT")
        settle.hold(batch, item, "CONFLICT", names=[one.name for one in others], ids=[one.id for one in others])
        settle.write(batch, [item])


def adopt_order(batch: Batch, item: Item, found: StoreOrderFound, *, generation: int) -> None:
    """Link an existing store order instead of making one; its units were claimed by whoever made it."""
    with tenancy.scope(batch.merchant_id):
        StoreOrder.objects.get_or_create(
            store_id=batch.store.pk,
            account_id=item.order.account_id,
            marketplace_order_id=item.order.marketplace_order_id,
            generation=generation,
            defaults={
                "merchant_id": batch.merchant_id,
                "order_id": item.order.pk,
                "key": order_key(batch, item, generation),
                "state": "sending",
            },
        )
    send.finish(batch, item, found, generation=generation, money={}, adopted=True, code="ALREADY_EXISTS_LINKED")
