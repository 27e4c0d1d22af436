"""Settling reads, hints and placing against the sandbox's store, over HTTP."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now

from connectors.shopify.stock import StockReader
from inventory import inbox, lanes, poll, refresh, reservations, tasks, watching
from inventory.models import Reservation, Stock, Variant
from notifications.models import Alert
from salestio import routes, tenancy
from salestio.outbox import dispatch
from salestio.outbox.models import OutboxRow
from tests.conftest import Sandbox
from tests.inventory import world as cast
from tests.inventory.shop import Shop
from tests.inventory.world import ask, clock

pytestmark = pytest.mark.django_db(transaction=True)

waiting_for_place: list[tuple[int, str, int]] = []
placed: list[int] = []
waits: dict[int, Any] = {}


def to_place(*, store_id: int) -> list[tuple[int, str, int]]:
    return [row for row in waiting_for_place if row[0] not in placed]


def note_placed(*, store_order_ids: list[int]) -> None:
    placed.extend(store_order_ids)


def stock_waits(*, variant_ids: list[int]) -> dict[int, Any]:
    return {variant_id: since for variant_id, since in waits.items() if variant_id in variant_ids}


@pytest.fixture(autouse=True)
def orders_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What inventory asks of orders is answered here: these tests have no order rows."""
    for one in (waiting_for_place, placed, waits):
        one.clear()
    for question, name in (
        ("orders.to_place", "to_place"), ("orders.placed", "note_placed"), ("orders.stock_waits", "stock_waits"),
    ):  # fmt: skip
        monkeypatch.setitem(routes.QUESTIONS, question, f"tests.inventory.test_refresh.{name}")


@pytest.fixture
def shop(sandbox: Sandbox, broker: None) -> Shop:
    sandbox.reset()
    shop = Shop.connect(sandbox)
    shop.sync()
    cast.heard.clear()
    return shop


def some_variant(shop: Shop, *, at_least: int = 5) -> Variant:
    with shop.scope():
        found = (
            Variant.objects.filter(tracked=True, oversell_allowed=False, active=True, stocks__figure__gte=at_least)
            .exclude(sku="")
            .order_by("id")
            .first()
        )
    assert found is not None
    return found


def total(shop: Shop, variant: Variant) -> tuple[int, int]:
    with shop.scope():
        rows = list(variant.stocks.all())
    return sum(row.figure for row in rows), sum(row.reserved for row in rows)


def due_now(shop: Shop, variant: Variant) -> None:
    """The waits of the settings have passed."""
    with shop.scope():
        Variant.objects.filter(pk=variant.pk, reread_at__isnull=False).update(reread_at=clock())


def run(shop: Shop) -> int:
    """Let the lane do its due reads; where our own limit says wait, it goes on when the sweeper would ring."""
    for _turn in range(50):
        read = refresh.run(shop.merchant.id, shop.store.id)
        with shop.scope():
            soon = Variant.objects.filter(reread_at__lte=clock() + timedelta(seconds=3)).exists()
        if read or not soon:
            return read
        time.sleep(0.1)
    return 0


def test_a_webhook_hint_brings_the_new_figure(shop: Shop) -> None:
    variant = some_variant(shop)
    shop.admin(variant.sku, available=123)

    inbox.on_stock(shop.merchant.id, shop.store.id, [variant.item_id, "gid://shopify/InventoryItem/0"], [])

    assert run(shop) == 1
    assert 123 in [row.figure for row in rows_of(shop, variant)]
    assert cast.told("stock.changed") == [{"store_id": shop.store.id, "variant_ids": [variant.id]}]
    with shop.scope():
        variant.refresh_from_db()
    assert (variant.reread_at, variant.reread_lease_until) == (None, None)
    assert run(shop) == 0


def rows_of(shop: Shop, variant: Variant) -> list[Any]:
    with shop.scope():
        return list(variant.stocks.select_related("location").order_by("id"))


def sell(shop: Shop, variant: Variant, units: int, order_id: int = 1, **facts: Any) -> str:
    """Reserve, create in the store, hand over; return the store order's id."""
    with shop.scope():
        found = reservations.reserve(store_id=shop.store.id, asks=[ask(order_id, (variant, units), **facts)])
        assert found.granted_orders == {order_id}
    made = shop.make_order(variant, units)
    with shop.scope():
        reservations.hand_over(order_id=order_id, platform="shopify")
    waiting_for_place.append((order_id * 1000, made.id, order_id))
    return made.id


def test_an_order_reserved_anywhere_is_placed_and_settled_by_one_read(shop: Shop) -> None:
    variant = some_variant(shop)
    before, _ = total(shop, variant)
    sell(shop, variant, 2)
    assert total(shop, variant) == (before, 2)

    due_now(shop, variant)
    assert run(shop) == 1

    assert total(shop, variant) == (before - 2, 0)
    assert placed == [1000]
    (settled,) = shop.reservations(1)
    assert settled.state == "settled"
    assert settled.stock.location_id is not None
    with shop.scope():
        variant.refresh_from_db()
    assert variant.reread_at is None


def test_an_order_that_the_store_split_gets_a_row_a_location(shop: Shop) -> None:
    variant = some_variant(shop)
    shop.admin(variant.sku, available=3, location="Portland Warehouse")
    shop.admin(variant.sku, available=3, location="Reno Outlet")
    inbox.on_stock(shop.merchant.id, shop.store.id, [variant.item_id], [])
    run(shop)

    sell(shop, variant, 5)
    due_now(shop, variant)
    run(shop)

    assert total(shop, variant) == (1, 0)
    found = shop.reservations(1)
    assert sorted(one.quantity for one in found) == [2, 3]
    assert {one.state for one in found} == {"settled"}


def test_a_default_warehouse_is_settled_only_when_the_store_took_the_units_there(shop: Shop) -> None:
    variant = some_variant(shop)
    shop.admin(variant.sku, available=4, location="Portland Warehouse")
    shop.admin(variant.sku, available=4, location="Reno Outlet")
    inbox.on_stock(shop.merchant.id, shop.store.id, [variant.item_id], [])
    run(shop)
    places = {place.name: place for place in shop.locations}
    first = shop.sandbox.control("GET", f"/stores/{shop.store.key}/variants", sku=variant.sku)["results"][0][
        "locations"
    ]

    # The store routes to its first location; the merchant's default is the other one.
    other = next(place for name, place in places.items() if name != first[0]["name"])
    sell(shop, variant, 2, location=other)
    due_now(shop, variant)
    run(shop)

    (held,) = shop.reservations(1)
    assert (held.state, held.placed, held.stock.location_id) == ("handed_over", False, other.id)
    with shop.scope():
        (owed,) = OutboxRow.objects.filter(handler="inventory.move.move_part")
    assert owed.subject["lines"] == [[variant.id, 2]]

    assert dispatch.drain(shop.merchant.id, shop.store.id) == 1
    due_now(shop, variant)
    run(shop)

    (settled,) = shop.reservations(1)
    figures = {row.location.name: (row.figure, row.reserved) for row in rows_of(shop, variant) if row.location}
    assert settled.state == "settled"
    assert figures[other.name] == (2, 0)
    assert figures[first[0]["name"]] == (4, 0)


def test_a_move_the_store_refuses_becomes_a_task_and_the_units_follow_the_store(shop: Shop) -> None:
    variant = some_variant(shop)
    shop.admin(variant.sku, available=4, location="Portland Warehouse")
    shop.admin(variant.sku, available=4, location="Reno Outlet")
    inbox.on_stock(shop.merchant.id, shop.store.id, [variant.item_id], [])
    run(shop)
    first = shop.sandbox.control("GET", f"/stores/{shop.store.key}/variants", sku=variant.sku)["results"][0][
        "locations"
    ]
    other = next(place for place in shop.locations if place.name != first[0]["name"] and place.fulfills_online)
    sell(shop, variant, 2, location=other)
    due_now(shop, variant)
    run(shop)
    shop.sandbox.control(
        "POST",
        "/faults",
        {"platform": "shopify", "operation": "fulfillmentOrderMove", "kind": "refuse", "params": {"message": "No."}},
    )

    dispatch.drain(shop.merchant.id, shop.store.id)
    shop.sandbox.control("DELETE", "/faults")
    due_now(shop, variant)
    run(shop)

    (settled,) = shop.reservations(1)
    assert settled.state == "settled"
    assert settled.stock.location_id != other.id
    with shop.scope():
        assert Alert.objects.filter(kind="misplaced", closed_at=None).count() == 1


def test_a_store_order_canceled_before_it_was_read_gives_its_units_back(shop: Shop) -> None:
    variant = some_variant(shop)
    before, _ = total(shop, variant)
    theirs = sell(shop, variant, 2)
    shop.sandbox.control(
        "POST", f"/stores/{shop.store.key}/orders/{theirs.rpartition('/')[2]}/cancel", {"restock": True}
    )

    due_now(shop, variant)
    run(shop)

    assert total(shop, variant) == (before, 0)
    assert placed == [1000]


def test_store_orders_that_hold_nothing_are_not_asked_for(shop: Shop) -> None:
    variant = some_variant(shop)
    waiting_for_place.append((7000, "gid://shopify/Order/1", 7))
    with shop.scope():
        watching.read_soon([variant.id])

    run(shop)

    assert placed == [7000]


def test_a_store_that_does_not_answer_puts_the_read_off_and_the_units_stay_kept(shop: Shop) -> None:
    variant = some_variant(shop)
    sell(shop, variant, 2)
    due_now(shop, variant)
    shop.sandbox.control("POST", "/faults", {"platform": "shopify", "kind": "status", "params": {"code": 503}})

    assert refresh.run(shop.merchant.id, shop.store.id) == 0

    shop.sandbox.control("DELETE", "/faults")
    assert total(shop, variant)[1] == 2
    with shop.scope():
        variant.refresh_from_db()
    assert variant.reread_at is not None
    assert variant.reread_lease_until is None  # nobody holds it; it is due again in a while


def test_a_hand_over_while_the_read_is_on_its_way_asks_for_another(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    variant = some_variant(shop)
    with shop.scope():
        watching.read_soon([variant.id])
    real = StockReader.read

    def read(self: StockReader, *args: Any) -> Any:
        answer = real(self, *args)
        if not waiting_for_place:
            sell(shop, variant, 1)
        return answer

    monkeypatch.setattr(StockReader, "read", read)

    assert run(shop) == 1

    assert total(shop, variant)[1] == 1  # the read left before the hand-over: it settles nothing
    with shop.scope():
        variant.refresh_from_db()
    assert variant.reread_at is not None
    due_now(shop, variant)
    run(shop)
    assert total(shop, variant)[1] == 0


def test_a_variant_orders_wait_for_is_read_again_by_the_clock(shop: Shop) -> None:
    variant = some_variant(shop)
    waits[variant.id] = clock()
    with shop.scope():
        watching.watch([variant.id])
        variant.refresh_from_db()
        watched = variant.reread_at
    assert watched is not None
    assert watched > clock()
    due_now(shop, variant)

    run(shop)

    with shop.scope():
        variant.refresh_from_db()
    assert variant.reread_at is not None
    assert variant.reread_at > clock()


def test_a_person_who_raised_the_stock_is_believed_at_once(shop: Shop) -> None:
    variant = some_variant(shop)
    shop.admin(variant.sku, available=321)

    assert refresh.read_now(shop.merchant.id, shop.store.id, variant_ids=[variant.id]) == 1

    assert 321 in [row.figure for row in rows_of(shop, variant)]


def test_a_product_deleted_in_the_store_is_found_by_a_read_of_its_figures(shop: Shop) -> None:
    variant = some_variant(shop)
    shop.admin(variant.sku, deleted=True)
    with shop.scope():
        watching.read_soon([variant.id])

    run(shop)

    with shop.scope():
        variant.refresh_from_db()
    assert variant.deleted_at is not None
    assert total(shop, variant)[0] == 0


def test_a_turn_of_the_lane_reads_batch_after_batch(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "BATCH", 2)
    with shop.scope():
        some = list(Variant.objects.order_by("id").values_list("id", flat=True)[:7])
        Variant.objects.update(reread_at=None)
        watching.read_soon(some)

    for _turn in range(20):  # our own limit may say wait in between
        tasks.refresh_figures(shop.merchant.id, shop.store.id)
        with shop.scope():
            left = Variant.objects.filter(reread_at__isnull=False).count()
        if not left:
            break
        time.sleep(0.2)

    assert left == 0


def test_a_deadlock_while_storing_is_tried_again_with_the_same_reading(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = some_variant(shop)
    shop.admin(variant.sku, available=77)
    with shop.scope():
        watching.read_soon([variant.id])
    holds, other = threading.Event(), []

    def the_wrong_way_round() -> None:
        try:
            with shop.scope():
                list(Variant.objects.filter(pk=variant.pk).select_for_update(no_key=True))
                holds.set()
                time.sleep(0.4)  # the figures hold the stock rows by now and wait for the variant
                list(Stock.objects.filter(variant=variant).select_for_update())
        finally:
            connection.close()

    real = StockReader.read

    def read(self: StockReader, *args: Any) -> Any:
        answer = real(self, *args)
        other.append(threading.Thread(target=the_wrong_way_round))
        other[0].start()
        holds.wait(10)
        return answer

    monkeypatch.setattr(StockReader, "read", read)

    assert run(shop) == 1

    other[0].join()
    assert 77 in [row.figure for row in rows_of(shop, variant)]


def test_the_sweeper_finds_lanes_with_due_reads_of_active_stores_only(shop: Shop) -> None:
    variant = some_variant(shop)
    with shop.scope():
        Variant.objects.update(reread_at=None)
        type(shop.store).objects.update(catalog_next_at=None)
    lane = (lanes.REFRESH, shop.merchant.id, shop.store.id)

    with tenancy.unscoped("sweep"):
        assert lanes.due_lanes() == []
    with shop.scope():
        watching.read_soon([variant.id])
    with tenancy.unscoped("sweep"):
        assert lanes.due_lanes() == [lane]
    with shop.scope():
        type(shop.store).objects.update(state="expired")
    with tenancy.unscoped("sweep"):
        assert lanes.due_lanes() == []


def test_old_figures_of_what_sold_lately_are_asked_for_first(shop: Shop) -> None:
    variant = some_variant(shop)
    with shop.scope():
        Reservation.objects.all().delete()
        Variant.objects.update(reread_at=None, figures_as_of=now())
        assert poll.ask_old(shop.store.id) == 0
        reservations.reserve(store_id=shop.store.id, asks=[ask(1, (variant, 1))])
        Variant.objects.filter(pk=variant.pk).update(figures_as_of="2026-01-01T00:00Z")

        assert poll.ask_old(shop.store.id) == 1

        variant.refresh_from_db()
    assert variant.reread_at is not None
