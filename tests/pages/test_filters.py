"""Filters as the address carries them: read, worded, written back; nonsense is named and left out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict

from orders.filters import Filters, parse
from orders.listing import Place

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "query",
    [
        "view=needs",
        "state=held&state=waiting",
        "status=paid&account=7&fulfilled=merchant",
        "q=112-4837261-0093847",
        "from=2026-11-01&until=2026-11-20",
        "low=10.00&high=99.50&placed=30",
        "order=1&buyer=Rosa&sku=NP-1&reason=NO_MATCH&platform=amazon",
    ],
)
def test_what_is_parsed_is_written_back_the_same(query: str) -> None:
    once = parse(QueryDict(query))

    assert once.problems == ()
    assert parse(QueryDict(once.query)) == once


@pytest.mark.parametrize(
    "query",
    ["state=bogus", "status=x", "reason=NOPE", "from=yesterday", "until=0001-01-01", "low=abc", "high=inf", "low=nan"],
)
def test_nonsense_is_left_out_and_named(query: str) -> None:
    found = parse(QueryDict(query))

    assert found.query == ""
    assert len(found.problems) == 1


def test_a_nul_byte_and_an_endless_text_are_cut_off() -> None:
    found = parse(QueryDict("q=a%00b" + "c" * 500))

    assert found.q.startswith("abc")
    assert len(found.q) == 200


def test_one_filter_reaches_all_time_and_several_the_last_ninety_days() -> None:
    assert parse(QueryDict("state=held")).days is None
    assert parse(QueryDict("state=held&account=1")).days == 90
    assert parse(QueryDict("state=held&account=1&placed=all")).days is None


def test_the_ninety_days_are_a_chip_whose_cross_means_all_time() -> None:
    chips = parse(QueryDict("state=held&account=1")).chips({1: "Northpine US"})

    assert [chip.value for chip in chips] == ["On hold", "Northpine US", "last 90 days"]
    assert "placed=all" in chips[-1].without


def test_days_are_whole_days_in_the_merchants_time_zone() -> None:
    zone = ZoneInfo("America/Los_Angeles")

    since, until = Filters(first_day=date(2026, 11, 20), last_day=date(2026, 11, 20)).bounds(NOON, zone)

    assert since == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert until == datetime(2026, 11, 21, 8, tzinfo=UTC)


def test_days_in_the_wrong_order_are_turned_round() -> None:
    found = parse(QueryDict("from=2026-11-20&until=2026-11-01"))

    assert (found.first_day, found.last_day) == (date(2026, 11, 1), date(2026, 11, 20))


def test_amounts_take_a_comma() -> None:
    assert parse(QueryDict("low=12,5")).low == Decimal("12.50")


def test_a_place_survives_the_address_and_a_foreign_word_is_no_place() -> None:
    place = Place(datetime(2026, 11, 21, 9, 1, 2, 345678, tzinfo=UTC), 42, True, 50)

    assert Place.read(place.text()) == place
    assert [Place.read(text) for text in ("", "zz", "!!!!", "AAAA", "n" * 5000)] == [None] * 5


def test_looking_at_all_time_takes_the_place_of_the_days_chosen() -> None:
    chosen = parse(QueryDict("state=held&placed=1"))

    assert chosen.of_all_time == "state=held&placed=all"
