"""What is available, who gets it: the rules as tables and properties, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.domain.stock import Ask, AskLine, Shelf, Turn, allocate

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
MUG, CAP = 1, 2
PORTLAND, RENO = 10, 20
ONE = frozenset({PORTLAND})
BOTH = frozenset({PORTLAND, RENO})


def ask(order_id: int, *wishes: tuple[int, int], at: int | None = None, **facts: object) -> Ask:
    lines = tuple(AskLine(order_id * 100 + n, variant, units) for n, (variant, units) in enumerate(wishes))
    facts.setdefault("location_id", None)
    return Ask(order_id, NOON + timedelta(minutes=at or order_id), lines, **facts)  # type: ignore[arg-type]


def shelf(variant: int, units: int, **facts: object) -> Shelf:
    return Shelf(variant, figures={PORTLAND: units}, active_locations=ONE, **facts)  # type: ignore[arg-type]


def two_places(portland: int, reno: int, **facts: object) -> Shelf:
    return Shelf(MUG, figures={PORTLAND: portland, RENO: reno}, active_locations=BOTH, **facts)  # type: ignore[arg-type]


def test_available_at_one_location_counts_what_is_reserved_anywhere() -> None:
    mug = two_places(5, 9, reserved={PORTLAND: 1, RENO: 2, None: 3})

    assert mug.available(PORTLAND) == 1
    assert mug.available(RENO) == 4
    assert mug.available(None) == 8


def test_available_in_the_store_leaves_out_inactive_locations() -> None:
    mug = Shelf(MUG, figures={PORTLAND: 5, RENO: 9}, reserved={PORTLAND: 1}, active_locations=ONE)

    assert mug.available(None) == 4


def test_an_order_gets_all_its_lines_or_none() -> None:
    found = allocate([ask(1, (MUG, 2), (CAP, 1))], {MUG: shelf(MUG, 5), CAP: shelf(CAP, 0)})

    assert found.granted == ()
    (short,) = found.short[1]
    assert (short.variant_id, short.wanted, short.available, short.location_id) == (CAP, 1, 0, PORTLAND)


def test_every_short_line_is_reported_at_once() -> None:
    found = allocate([ask(1, (MUG, 2), (CAP, 3))], {MUG: shelf(MUG, 1), CAP: shelf(CAP, 0)})

    assert [(s.variant_id, s.wanted, s.available) for s in found.short[1]] == [(MUG, 2, 1), (CAP, 3, 0)]


def test_lines_of_one_variant_are_summed() -> None:
    found = allocate([ask(1, (MUG, 2), (MUG, 2))], {MUG: shelf(MUG, 3)})

    (short,) = found.short[1]
    assert (short.line_id, short.wanted, short.available) == (100, 4, 3)


def test_the_last_unit_goes_to_who_paid_first() -> None:
    found = allocate([ask(2, (MUG, 1)), ask(1, (MUG, 1))], {MUG: shelf(MUG, 1)})

    assert found.granted_orders == {1}
    assert found.short[2][0].available == 0


def test_equal_times_are_served_by_order_id_whatever_their_place_in_the_batch() -> None:
    asks = [ask(2, (MUG, 1), at=5), ask(1, (MUG, 1), at=5)]

    assert allocate(asks, {MUG: shelf(MUG, 1)}).granted_orders == {1}


def test_nobody_passes_an_older_order_of_the_batch_that_waits_for_the_same_variant() -> None:
    asks = [ask(1, (MUG, 5), label="114-1"), ask(2, (MUG, 1)), ask(3, (CAP, 1))]

    found = allocate(asks, {MUG: shelf(MUG, 2), CAP: shelf(CAP, 1)})

    assert found.granted_orders == {3}
    assert found.short[2][0].ahead == "114-1"
    assert found.short[2][0].available == 2


def test_nobody_passes_an_older_order_that_already_waits() -> None:
    ahead = {MUG: (Turn(NOON, 9, "114-9", 4),)}

    found = allocate([ask(1, (MUG, 1))], {MUG: shelf(MUG, 2)}, ahead)

    assert found.short[1][0].ahead == "114-9"


def test_a_younger_order_that_waits_is_no_obstacle() -> None:
    ahead = {MUG: (Turn(NOON + timedelta(days=1), 9, "114-9", 4),)}

    assert allocate([ask(1, (MUG, 1))], {MUG: shelf(MUG, 2)}, ahead).granted_orders == {1}


def test_an_order_does_not_wait_for_itself() -> None:
    ahead = {MUG: (Turn(NOON, 1, "114-1", 1),)}

    assert allocate([ask(1, (MUG, 1))], {MUG: shelf(MUG, 1)}, ahead).granted_orders == {1}


def test_a_person_who_presses_export_may_pass() -> None:
    ahead = {MUG: (Turn(NOON, 9, "114-9", 4),)}

    assert allocate([ask(1, (MUG, 1), may_pass=True)], {MUG: shelf(MUG, 1)}, ahead).granted_orders == {1}


def test_who_may_pass_still_cannot_have_what_is_not_there() -> None:
    found = allocate([ask(1, (MUG, 2), may_pass=True)], {MUG: shelf(MUG, 1)})

    assert found.short[1][0].available == 1


@pytest.mark.parametrize("facts", [{"tracked": False}, {"oversell_allowed": True}])
def test_what_the_store_does_not_limit_is_reserved_for_the_record_and_never_refused(facts: dict[str, bool]) -> None:
    ahead = {MUG: (Turn(NOON, 9, "114-9", 4),)}

    found = allocate([ask(1, (MUG, 7))], {MUG: shelf(MUG, 0, **facts)}, ahead)

    (grant,) = found.granted
    assert (grant.quantity, grant.beyond) == (7, True)


def test_create_anyway_may_go_below_zero_and_leaves_nothing_for_the_next() -> None:
    asks = [ask(1, (MUG, 3), ignore_policy=True), ask(2, (MUG, 1))]

    found = allocate(asks, {MUG: shelf(MUG, 1)})

    assert found.granted_orders == {1}
    assert found.short[2][0].available == 0


def test_a_variant_without_a_shelf_has_nothing() -> None:
    assert allocate([ask(1, (99, 1))], {}).short[1][0].available == 0


def test_a_store_with_one_location_reserves_there() -> None:
    assert allocate([ask(1, (MUG, 1))], {MUG: shelf(MUG, 1)}).granted[0].location_id == PORTLAND


def test_a_store_with_several_locations_and_no_default_reserves_anywhere() -> None:
    found = allocate([ask(1, (MUG, 6))], {MUG: two_places(5, 5)})

    assert (found.granted[0].location_id, found.granted[0].quantity) == (None, 6)


def test_a_default_warehouse_is_tested_alone() -> None:
    found = allocate([ask(1, (MUG, 6), location_id=PORTLAND)], {MUG: two_places(5, 50)})

    (short,) = found.short[1]
    assert (short.available, short.location_id) == (5, PORTLAND)


def test_lines_of_zero_units_ask_for_nothing() -> None:
    found = allocate([ask(1, (MUG, 0), (CAP, 1))], {CAP: shelf(CAP, 1)})

    assert [grant.variant_id for grant in found.granted] == [CAP]


wishes = st.lists(st.tuples(st.sampled_from([MUG, CAP, 3]), st.integers(1, 4)), min_size=1, max_size=4)
batches = st.lists(
    st.tuples(wishes, st.integers(0, 3), st.sampled_from([None, PORTLAND, RENO])), min_size=1, max_size=12
)
shelves_of_two = st.dictionaries(
    st.sampled_from([MUG, CAP, 3]),
    st.builds(
        lambda a, b, r, anywhere: Shelf(
            0, figures={PORTLAND: a, RENO: b}, reserved={PORTLAND: r, None: anywhere}, active_locations=BOTH
        ),
        st.integers(0, 8),
        st.integers(0, 8),
        st.integers(0, 3),
        st.integers(0, 2),
    ),
)


@given(batches, shelves_of_two, st.randoms())
def test_no_batch_is_granted_more_than_there_is(batch: list, shelves: dict, random: object) -> None:  # type: ignore[type-arg]
    asks = [ask(n, *lines, at=at, location_id=place) for n, (lines, at, place) in enumerate(batch, 1)]

    found = allocate(asks, shelves)

    for variant, one in shelves.items():
        promised = dict.fromkeys((None, PORTLAND, RENO), 0)
        for grant in found.granted:
            if grant.variant_id == variant:
                promised[grant.location_id] += grant.quantity
        for place in (PORTLAND, RENO):
            assert promised[place] <= max(one.available(place), 0)
        assert promised[None] <= max(one.available(None), 0)
    random.shuffle(asks)  # type: ignore[attr-defined]
    assert allocate(asks, shelves) == found


@given(batches, shelves_of_two)
def test_every_order_is_either_granted_whole_or_short(batch: list, shelves: dict) -> None:  # type: ignore[type-arg]
    asks = [ask(n, *lines, at=at, location_id=place) for n, (lines, at, place) in enumerate(batch, 1)]

    found = allocate(asks, shelves)

    for one in asks:
        granted = sorted((g.line_id, g.quantity) for g in found.granted if g.order_id == one.order_id)
        if one.order_id in found.short:
            assert granted == []
        else:
            assert granted == sorted((line.line_id, line.quantity) for line in one.lines)
