"""Reserve, mark, hand over, release: on PostgreSQL, as the app role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory import reservations
from inventory.domain.stock import Turn
from tests.inventory.world import PAID, World, ask, told

pytestmark = pytest.mark.django_db


def reserve(world: World, *asks, **facts):  # type: ignore[no-untyped-def]
    with world.scope():
        return reservations.reserve(store_id=world.store.id, asks=asks, **facts)


def test_reserving_writes_units_a_reservation_and_a_ledger_row(world: World) -> None:
    mug = world.variant("MUG", 5)

    found = reserve(world, ask(1, (mug, 2)))

    assert found.granted_orders == {1}
    assert world.only_stock(mug).reserved == 2
    (kept,) = world.reservations(1)
    assert (kept.quantity, kept.state, kept.stock.location_id, kept.placed) == (2, "kept", world.locations[0].id, True)
    last = world.ledger()[-1]
    assert (last.kind, last.figure_change, last.reserved_change, last.order_ref) == ("reserve", 0, 2, 1)


def test_a_short_order_gives_nothing_and_keeps_nothing(world: World) -> None:
    mug, cap = world.variant("MUG", 5), world.variant("CAP", 0)

    found = reserve(world, ask(1, (mug, 2), (cap, 1)))

    assert [s.variant_id for s in found.short[1]] == [cap.id]
    assert world.only_stock(mug).reserved == 0
    assert world.reservations(1) == []


def test_an_own_hold_never_blocks_the_own_export(world: World) -> None:
    mug = world.variant("MUG", 2)
    reserve(world, ask(1, (mug, 2)))

    again = reserve(world, ask(1, (mug, 2)))

    assert again.granted_orders == {1}
    assert world.only_stock(mug).reserved == 2
    assert len(world.reservations(1)) == 1


def test_an_order_whose_line_was_changed_gives_its_old_units_back(world: World) -> None:
    mug, cap = world.variant("MUG", 2), world.variant("CAP", 2)
    reserve(world, ask(1, (mug, 2)))

    reserve(world, ask(1, (cap, 1)))

    assert world.only_stock(mug).reserved == 0
    assert world.only_stock(cap).reserved == 1
    assert told("stock.changed")[-1] == {"store_id": world.store.id, "variant_ids": [mug.id]}


def test_several_locations_and_no_default_reserve_anywhere(make_world: Callable[..., World]) -> None:
    world = make_world(locations=2)
    mug = world.variant("MUG", 1, 2)

    found = reserve(world, ask(1, (mug, 3)), ask(2, (mug, 1)))

    assert found.granted_orders == {1}
    assert found.short[2][0].available == 0
    assert world.stock(mug, None).reserved == 3
    assert [kept.placed for kept in world.reservations(1)] == [False]


def test_a_default_warehouse_is_reserved_at_and_its_placing_is_not_known_yet(
    make_world: Callable[..., World],
) -> None:
    world = make_world(locations=2)
    mug = world.variant("MUG", 3, 9)
    portland = world.locations[0]

    found = reserve(world, ask(1, (mug, 3), location=portland), ask(2, (mug, 1), location=portland))

    assert found.short[2][0].location_id == portland.id
    assert world.stock(mug, portland).reserved == 3
    assert [kept.placed for kept in world.reservations(1)] == [False]


def test_create_anyway_goes_below_zero(world: World) -> None:
    mug = world.variant("MUG", 1)

    found = reserve(world, ask(1, (mug, 3), ignore_policy=True))

    assert found.granted_orders == {1}
    assert world.only_stock(mug).reserved == 3


def test_create_anyway_with_a_variant_of_another_merchant_is_refused(world: World, stranger: World) -> None:
    theirs = stranger.variant("MUG", 5)

    with pytest.raises(LookupError, match="not of this store"):
        reserve(world, ask(1, (theirs, 1), ignore_policy=True))


def test_a_variant_of_another_merchant_has_nothing(world: World, stranger: World) -> None:
    theirs = stranger.variant("MUG", 5)

    assert reserve(world, ask(1, (theirs, 1))).short[1][0].available == 0
    assert stranger.only_stock(theirs).reserved == 0


@pytest.mark.parametrize("facts", [{"tracked": False}, {"oversell_allowed": True}])
def test_what_the_store_does_not_limit_is_reserved_for_the_record(world: World, facts: dict[str, bool]) -> None:
    mug = world.variant("MUG", 0, **facts)

    assert reserve(world, ask(1, (mug, 4))).granted_orders == {1}
    assert world.only_stock(mug).reserved == 4


def test_an_untracked_variant_that_was_never_read_gets_a_row_for_the_record(world: World) -> None:
    mug = world.variant("MUG", tracked=False)

    assert reserve(world, ask(1, (mug, 4))).granted_orders == {1}
    assert world.only_stock(mug).reserved == 4


def test_nobody_passes_an_order_that_waits(world: World) -> None:
    mug = world.variant("MUG", 2)

    found = reserve(world, ask(5, (mug, 1)), ahead={mug.id: (Turn(PAID, 3, "114-3", 9),)})

    assert found.short[5][0].ahead == "114-3"
    assert world.only_stock(mug).reserved == 0


def test_a_batch_of_twenty_orders_takes_at_most_five_statements(world: World) -> None:
    mug, cap = world.variant("MUG", 30), world.variant("CAP", 15)
    asks = [ask(n, (mug, 1), (cap, 1)) for n in range(1, 21)]

    with world.scope(), CaptureQueriesContext(connection) as said:
        found = reservations.reserve(store_id=world.store.id, asks=asks)

    assert len(found.granted_orders) == 15
    assert len(said) <= 5


def test_releasing_gives_units_back_once_and_says_so_once(world: World) -> None:
    mug = world.variant("MUG", 5)
    reserve(world, ask(1, (mug, 2)), ask(2, (mug, 1)))

    with world.scope():
        first = reservations.release(order_ids=[1], cause="canceled")
        second = reservations.release(order_ids=[1], cause="canceled")

    assert (first, second) == ({mug.id: 2}, {})
    assert world.only_stock(mug).reserved == 1
    assert told("stock.changed")[1:] == [{"store_id": world.store.id, "variant_ids": [mug.id]}]
    assert world.ledger()[-1].cause == "canceled"


def test_units_handed_over_are_not_released_unless_the_store_order_is_gone(world: World) -> None:
    mug = world.variant("MUG", 5)
    reserve(world, ask(1, (mug, 2)))

    with world.scope():
        reservations.hand_over(order_id=1, platform="shopify")
        assert reservations.release(order_ids=[1], cause="canceled") == {}
        assert reservations.release(order_ids=[1], cause="store order canceled", handed_over=True) == {mug.id: 2}

    assert world.only_stock(mug).reserved == 0


def test_marking_says_how_far_the_order_is(world: World) -> None:
    mug = world.variant("MUG", 5)
    reserve(world, ask(1, (mug, 2)))

    with world.scope():
        assert reservations.mark(order_ids=[1], state="sending") == 1
        assert reservations.mark(order_ids=[1], state="sending") == 0
        with pytest.raises(ValueError, match="not a state before"):
            reservations.mark(order_ids=[1], state="released")

    assert world.reservations(1)[0].state == "sending"
    assert world.only_stock(mug).reserved == 2


def test_handing_over_keeps_counting_and_asks_for_one_settling_read(world: World) -> None:
    mug = world.variant("MUG", 5)
    reserve(world, ask(1, (mug, 2)))

    with world.scope():
        assert reservations.hand_over(order_id=1, platform="shopify") == 1

    (handed,) = world.reservations(1)
    assert handed.state == "handed_over"
    assert handed.handed_over_at is not None
    assert world.only_stock(mug).reserved == 2
    with world.scope():
        mug.refresh_from_db()
    assert mug.reread_at is not None
    assert mug.reread_at > handed.handed_over_at


def test_a_read_already_asked_for_is_not_put_off_by_another_hand_over(world: World) -> None:
    mug = world.variant("MUG", 5)
    reserve(world, ask(1, (mug, 1)), ask(2, (mug, 1)))
    with world.scope():
        reservations.hand_over(order_id=1, platform="shopify")
        mug.refresh_from_db()
        first = mug.reread_at

        reservations.hand_over(order_id=2, platform="shopify")

        mug.refresh_from_db()
    assert mug.reread_at == first


def test_an_order_without_reservations_hands_nothing_over(world: World) -> None:
    with world.scope():
        assert reservations.hand_over(order_id=77, platform="shopify") == 0


def test_kept_units_tells_what_orders_keep_until_they_are_handed_over(world: World) -> None:
    mug, cap = world.variant("MUG", 5), world.variant("CAP", 5)
    reserve(world, ask(1, (mug, 2), (cap, 1)), ask(2, (mug, 1)))

    with world.scope():
        reservations.hand_over(order_id=2, platform="shopify")
        held = reservations.kept_units([1, 2, 3])

    assert held == {1: {(mug.id, world.locations[0].id): 2, (cap.id, world.locations[0].id): 1}}
