"""What comes in and what does not: from when on, after a gap, by hand, and what changes later (F6, F10, F25, F29)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from accounts.models import MarketplaceAccount
from notifications import alerts
from notifications.models import Alert
from orders import pipeline, pull
from orders.models import Order
from salestio import routes, tenancy
from tests.orders.test_flow import SKU, read
from tests.orders.world import SELLER, World

pytestmark = pytest.mark.django_db(transaction=True)


def change(world: World, reference: str, **what: Any) -> None:
    """Let the marketplace's order change."""
    world.sandbox.control("PATCH", f"/accounts/amazon/{SELLER}/orders/{reference}", what)


def set_account(world: World, **values: Any) -> None:
    """Write columns of the first seller's account."""
    with tenancy.scope(world.merchant_id):
        MarketplaceAccount.objects.filter(key=SELLER).update(**values)


def test_orders_from_before_the_connection_come_only_when_asked_for_and_go_only_by_export(world: World) -> None:
    world.set_stock(SKU, 5)
    read(world, SKU)
    set_account(world, orders_from=now() + timedelta(hours=1))
    (reference,) = world.buy((SKU, 1))
    world.work_for(0.5)
    assert world.order(reference) is None

    found = pull.fetch_one(world.merchant_id, world.account().pk, reference, actor="Ines")

    assert found.order_id is not None and found.new
    order = world.order(reference)
    assert order is not None
    assert (order.export_state, order.reason_code) == ("skipped", "BEFORE_CONNECTION")
    assert pipeline.advance(world.merchant_id, order.pk, actor="Ines").state == "created"
    assert len(world.store_orders(reference)) == 1


def test_fetching_an_order_twice_says_so_and_an_unknown_one_is_a_sentence(world: World) -> None:
    (reference,) = world.buy((SKU, 1), mode="silent")
    account = world.account()

    first = pull.fetch_one(world.merchant_id, account.pk, f"  {reference} ", actor="Ines")
    again = pull.fetch_one(world.merchant_id, account.pk, reference, actor="Ines")
    nobodys = pull.fetch_one(world.merchant_id, account.pk, "999-0000000-0000000", actor="Ines")

    assert (first.new, again.new, again.order_id) == (True, False, first.order_id)
    assert nobodys.order_id is None
    assert "does not know order 999-0000000-0000000" in nobodys.message


def test_after_an_expired_connection_the_gap_is_filled_and_nothing_is_doubled(world: World) -> None:
    world.set_stock(SKU, 20)
    read(world, SKU)
    (before,) = world.buy((SKU, 1))
    world.work(before)
    set_account(world, state="expired")
    gap = world.buy((SKU, 1), count=4)
    world.work_for(0.5)
    assert [world.order(reference) for reference in gap] == [None] * 4

    with tenancy.scope(world.merchant_id):
        MarketplaceAccount.objects.filter(key=SELLER).update(state="active")
        routes.emit("account.restored", account_id=world.account().pk)
    world.work(*gap, until=("created",))

    assert {len(world.store_orders(reference)) for reference in (before, *gap)} == {1}
    assert world.units(SKU) == 15


def test_a_change_before_the_order_is_in_the_store_is_what_the_store_gets(world: World) -> None:
    world.set_stock(SKU, 1)
    read(world, SKU)
    (reference,) = world.buy((SKU, 3))
    world.work(reference)

    change(world, reference, lines=[{"sku": SKU, "quantity": 1}])
    world.work(reference, until=("created",))

    (made,) = world.store_orders(reference)
    assert [line["quantity"] for line in made["lines"]] == [1]
    assert "LINES_CHANGED" in world.events(reference)
    assert world.units(SKU) == 0


def test_a_change_after_creation_opens_a_task_and_leaves_the_store_order_alone(world: World) -> None:
    world.set_stock(SKU, 9)
    read(world, SKU)
    (reference,) = world.buy((SKU, 3))
    world.work(reference)

    change(world, reference, status="canceled")
    world.work_until(lambda: "CHANGED_AFTER_CREATION" in world.events(reference))

    with tenancy.scope(world.merchant_id):
        order = Order.objects.get(marketplace_order_id=reference)
        (task,) = [alerts.reading(row) for row in Alert.objects.filter(kind="order_changed", closed_at=None)]
    (made,) = world.store_orders(reference)
    assert (order.status, order.export_state) == ("canceled", "created")
    assert not made["canceled"]
    assert reference in task.title and "canceled" in task.text
    assert task.url == f"/orders/{order.pk}/"


def test_slow_sweeps_of_many_accounts_drift_apart() -> None:
    pauses = [pull.staggered(account, 86400.0).total_seconds() for account in range(1, 51)]

    assert all(86400 <= pause <= 86400 * 1.1 for pause in pauses)
    assert len({round(pause / 60) for pause in pauses}) > 40
