"""One lane holds only a few of a worker's threads."""

from __future__ import annotations

from salestio.turns import turn


def test_a_lane_gets_as_many_places_as_allowed_and_no_more() -> None:
    with (
        turn("drain", 1, 7, most=2) as first,
        turn("drain", 1, 7, most=2) as second,
        turn("drain", 1, 7, most=2) as third,
    ):
        assert (first, second, third) == (True, True, False)


def test_other_lanes_and_other_work_have_places_of_their_own() -> None:
    with turn("drain", 1, 7, most=1), turn("drain", 1, 8, most=1) as lane, turn("pull", 1, 7, most=1) as work:
        assert (lane, work) == (True, True)


def test_a_place_is_free_again_after_the_turn_even_if_it_broke() -> None:
    try:
        with turn("drain", 1, 7, most=1):
            raise RuntimeError("broke")
    except RuntimeError:
        pass

    with turn("drain", 1, 7, most=1) as again:
        assert again


def test_who_found_no_place_takes_none_away() -> None:
    with turn("drain", 1, 7, most=1):
        with turn("drain", 1, 7, most=1) as late:
            assert not late
        with turn("drain", 1, 7, most=1) as later:
            assert not later
