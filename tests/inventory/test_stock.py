"""A figure came in: stored by one clock, settling what it shows (MECHANISMS 6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import Store
from inventory import reservations, stock
from notifications.models import Alert
from tests.inventory.world import World, ask, clock, told

pytestmark = pytest.mark.django_db


def hand_over(world: World, variant, units: int, order_id: int = 1) -> None:  # type: ignore[no-untyped-def]
    with world.scope():
        found = reservations.reserve(store_id=world.store.id, asks=[ask(order_id, (variant, units))])
        assert found.granted_orders == {order_id}
        reservations.hand_over(order_id=order_id, platform=world.store.platform)


def test_a_figure_is_stored_with_one_ledger_row_and_told_once(world: World) -> None:
    mug = world.variant("MUG", 5)

    stored = world.read({"MUG": [8]})

    row = world.only_stock(mug)
    assert (row.figure, row.version) == (8, 2)
    assert stored.changed == (mug.id,)
    assert [(entry.kind, entry.figure_change) for entry in world.ledger()] == [("figure", 5), ("figure", 3)]
    assert told("stock.changed") == [{"store_id": world.store.id, "variant_ids": [mug.id]}] * 2


def test_an_equal_figure_is_only_stamped_with_its_time(world: World) -> None:
    mug = world.variant("MUG", 5)
    at = clock()

    stored = world.read({"MUG": [5]}, at=at)

    row = world.only_stock(mug)
    assert stored.changed == ()
    assert (row.figure_as_of, row.version) == (at, 1)
    with world.scope():
        mug.refresh_from_db()
    assert mug.figures_as_of == at


@pytest.mark.parametrize("late_by", [timedelta(0), timedelta(minutes=3)])
def test_a_figure_that_is_not_newer_changes_nothing(world: World, late_by: timedelta) -> None:
    mug = world.variant("MUG", 5)
    at = clock()
    world.read({"MUG": [4]}, at=at)

    stored = world.read({"MUG": [9]}, at=at - late_by)

    assert stored.changed == ()
    assert world.only_stock(mug).figure == 4


def test_a_figure_read_after_the_hand_over_settles_it(world: World) -> None:
    mug = world.variant("MUG", 5)
    hand_over(world, mug, 2)

    stored = world.read({"MUG": [3]})

    row = world.only_stock(mug)
    assert (row.figure, row.reserved, stored.settled) == (3, 0, 1)
    (settled,) = world.reservations(1)
    assert settled.state == "settled"
    assert settled.ended_at is not None
    assert [entry.kind for entry in world.ledger()] == ["figure", "reserve", "figure", "settle"]


def test_a_read_that_left_before_the_hand_over_does_not_settle_it(world: World) -> None:
    mug = world.variant("MUG", 5)
    left = clock()
    hand_over(world, mug, 2)

    stored = world.read({"MUG": [3]}, at=left)

    row = world.only_stock(mug)
    assert (row.figure, row.reserved, stored.settled) == (3, 2, 0)  # two units missing for a moment, never sold twice


def test_units_kept_are_never_settled(world: World) -> None:
    mug = world.variant("MUG", 5)
    with world.scope():
        reservations.reserve(store_id=world.store.id, asks=[ask(1, (mug, 2))])

    world.read({"MUG": [5]})

    assert world.only_stock(mug).reserved == 2


def test_a_figure_below_what_is_promised_is_stored_and_opens_the_oversell_task(world: World) -> None:
    mug = world.variant("MUG", 5)
    with world.scope():
        reservations.reserve(store_id=world.store.id, asks=[ask(1, (mug, 4))])

    world.read({"MUG": [1]})

    assert world.only_stock(mug).figure == 1
    with world.scope():
        (alert,) = Alert.objects.filter(kind="oversold", closed_at=None)
    assert alert.data["available"] == -3

    world.read({"MUG": [4]})

    with world.scope():
        assert not Alert.objects.filter(kind="oversold", closed_at=None).exists()


def test_an_item_read_whole_has_nothing_where_the_answer_names_no_location(make_world: Callable[..., World]) -> None:
    world = make_world(locations=2)
    mug = world.variant("MUG", 5, 7)

    with world.scope():
        stock.set_from_store(store_id=world.store.id, readings=[("i-MUG", "loc-0", 5)], as_of=clock(), items=["i-MUG"])

    assert world.stock(mug, world.locations[1]).figure == 0
    assert world.stock(mug, world.locations[0]).figure == 5


def test_a_location_we_have_never_heard_of_is_reported_and_left_out(world: World) -> None:
    world.variant("MUG", 5)

    with world.scope():
        stored = stock.set_from_store(
            store_id=world.store.id, readings=[("i-MUG", "loc-9", 5), ("i-MUG", "loc-0", 6)], as_of=clock()
        )

    assert stored.unknown_locations == {"loc-9"}


def test_a_store_that_claims_at_shipping_keeps_units_after_the_hand_over(make_world: Callable[..., World]) -> None:
    world = make_world(claims_stock="at_shipping")
    mug = world.variant("MUG", 5)
    hand_over(world, mug, 2)

    world.read({"MUG": [5]})

    row = world.only_stock(mug)
    assert (row.figure, row.reserved) == (5, 2)


def test_three_hand_overs_in_a_row_that_did_not_show_switch_the_store_to_at_shipping(world: World) -> None:
    mug = world.variant("MUG", 9)
    for order_id in (1, 2, 3):
        hand_over(world, mug, 1, order_id)
        world.read({"MUG": [9]})
    hand_over(world, mug, 1, 4)

    world.read({"MUG": [9]})

    with world.scope():
        store = Store.objects.get(id=world.store.id)
        assert Alert.objects.filter(kind="claims_stock", closed_at=None).exists()
    assert (store.claims_stock, store.claim_misses) == ("at_shipping", 3)
    assert world.only_stock(mug).reserved == 1  # kept from now on


def test_a_drop_that_shows_forgives_earlier_misses(world: World) -> None:
    mug = world.variant("MUG", 9)
    for order_id, figure in ((1, 9), (2, 9), (3, 8), (4, 8), (5, 8)):
        hand_over(world, mug, 1, order_id)
        world.read({"MUG": [figure]})

    with world.scope():
        store = Store.objects.get(id=world.store.id)
    assert (store.claims_stock, store.claim_misses) == ("at_creation", 2)


def test_available_reads_without_locks(make_world: Callable[..., World]) -> None:
    world = make_world(locations=2)
    mug = world.variant("MUG", 5, 7)
    with world.scope():
        reservations.reserve(store_id=world.store.id, asks=[ask(1, (mug, 3))])

        assert stock.available([mug.id, 999]) == {mug.id: 9, 999: 0}
        assert stock.available([mug.id], world.locations[0].id) == {mug.id: 2}


def test_the_figures_of_another_merchant_cannot_be_reached(world: World, stranger: World) -> None:
    theirs = stranger.variant("MUG", 5)

    with world.scope(), pytest.raises(LookupError):
        stock.set_from_store(store_id=stranger.store.id, readings=[("i-MUG", "loc-0", 0)], as_of=clock())

    assert stranger.only_stock(theirs).figure == 5


def test_units_shown_gone_before_we_knew_of_the_order_do_not_speak_against_the_store(world: World) -> None:
    """An unanswered create is adopted after a reading has shown its units gone; the next reading drops by nothing."""
    mug = world.variant("MUG", 20)
    for order_id in range(1, 6):
        with world.scope():
            reservations.reserve(store_id=world.store.id, asks=[ask(order_id, (mug, 1))])
        world.read({"MUG": [20 - order_id]})
        with world.scope():
            reservations.hand_over(order_id=order_id, platform=world.store.platform)
        world.read({"MUG": [20 - order_id]})

    with world.scope():
        store = Store.objects.get(pk=world.store.id)
    assert (store.claims_stock, store.claim_misses) == ("at_creation", 0)
    assert world.only_stock(mug).reserved == 0
