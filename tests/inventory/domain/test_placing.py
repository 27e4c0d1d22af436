"""Where the store put units, against where they were reserved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inventory.domain.placing import Hold, Place, Share, distribute

PORTLAND, RENO = 10, 20


def test_units_reserved_anywhere_go_where_the_store_put_them() -> None:
    shares = distribute([Hold(1, 5, None)], [Place(PORTLAND, 3), Place(RENO, 2)])

    assert shares == [Share(1, 3, PORTLAND, True), Share(1, 2, RENO, True)]


def test_units_of_the_default_warehouse_that_are_there_are_placed() -> None:
    assert distribute([Hold(1, 2, RENO)], [Place(RENO, 2)]) == [Share(1, 2, RENO, True)]


def test_units_placed_elsewhere_than_the_default_warehouse_stay_subtracted_there() -> None:
    there = Place(PORTLAND, 2, "part-1")

    assert distribute([Hold(1, 2, RENO)], [there]) == [Share(1, 2, RENO, False, there)]


def test_the_part_that_is_at_the_default_warehouse_counts_first() -> None:
    there = Place(PORTLAND, 2, "part-1")

    shares = distribute([Hold(1, 3, RENO)], [there, Place(RENO, 1)])

    assert shares == [Share(1, 1, RENO, True), Share(1, 2, RENO, False, there)]


def test_units_the_store_told_no_place_for_stay_as_they_are() -> None:
    shares = distribute([Hold(1, 3, None)], [Place(PORTLAND, 1)])

    assert shares == [Share(1, 1, PORTLAND, True), Share(1, 2, None, False)]


locations = st.sampled_from([PORTLAND, RENO, 30])
holds = st.lists(st.tuples(st.integers(1, 9), st.none() | locations), max_size=4)
places = st.lists(st.tuples(locations, st.integers(0, 9)), max_size=4)


@given(holds, places)
def test_shares_add_up_and_no_place_is_given_twice(some: list, where: list) -> None:  # type: ignore[type-arg]
    held = [Hold(n, units, place) for n, (units, place) in enumerate(some)]
    told = [Place(place, units, f"part-{n}") for n, (place, units) in enumerate(where)]

    shares = distribute(held, told)

    for hold in held:
        assert sum(share.quantity for share in shares if share.reservation_id == hold.reservation_id) == hold.quantity
    for location in (PORTLAND, RENO, 30):
        taken = sum(
            share.quantity
            for share in shares
            if (share.elsewhere.location_id if share.elsewhere else share.location_id if share.placed else None)
            == location
        )
        assert taken <= sum(place.quantity for place in told if place.location_id == location)
