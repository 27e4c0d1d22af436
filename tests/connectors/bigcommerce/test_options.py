"""Mandatory options are filled by their default, their first value, the merchant's text, or named."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.bigcommerce.options import fill


def modifier(kind: str, *values: dict[str, Any], **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "id": 206,
        "product_id": 111,
        "display_name": "Engraving",
        "type": kind,
        "required": True,
        "config": {},
        "option_values": list(values),
    }
    return {**given, **changes}


def value(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": number, "label": f"Value {number}", "sort_order": number, "is_default": False, **changes}


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        pytest.param(modifier("dropdown", value(8), value(7)), "7", id="the first value"),
        pytest.param(modifier("dropdown", value(7), value(8, is_default=True)), "8", id="the default value"),
        pytest.param(
            modifier(
                "checkbox",
                value(7, value_data={"checked_value": True}),
                value(8, value_data={"checked_value": False}),
                config={"checked_by_default": False},
            ),
            "8",
            id="a box that is not ticked",
        ),
        pytest.param(modifier("text"), "None wanted", id="the merchant's text"),
        pytest.param(modifier("text", config={"default_value": "Plain"}), "Plain", id="the default text"),
        pytest.param(
            modifier("text", config={"text_characters_limited": True, "text_max_length": 4}), "None", id="a short text"
        ),
        pytest.param(modifier("numbers_only_text", config={"default_value": "3"}), "3", id="the default number"),
        pytest.param(
            modifier("date", config={"default_value": "2026-12-01T00:00:00+00:00"}),
            "2026-12-01T00:00:00+00:00",
            id="the default date",
        ),
    ],
)
def test_a_mandatory_option_is_filled(wanted: dict[str, Any], sent: str) -> None:
    assert fill([wanted], "None wanted") == ([{"id": 206, "value": sent}], [])


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(modifier("file"), id="a file"),
        pytest.param(modifier("product_list", value(7)), id="a pick list"),
        pytest.param(modifier("date"), id="a date"),
        pytest.param(modifier("numbers_only_text"), id="a number"),
        pytest.param(
            modifier("text", config={"text_characters_limited": True, "text_min_length": 50}), id="a long text"
        ),
    ],
)
def test_what_cannot_be_filled_is_named(wanted: dict[str, Any]) -> None:
    assert fill([wanted], "None wanted") == ([], ["Engraving"])


@pytest.mark.parametrize(
    ("text", "mode", "filled"),
    [("5", "range", True), ("0", "lowest", False), ("11", "highest", False), ("NaN", "", False)],
)
def test_a_number_keeps_within_its_limits(text: str, mode: str, filled: bool) -> None:
    limits = {"number_limited": True, "number_limit_mode": mode, "number_lowest_value": 1, "number_highest_value": 10}

    sent, left = fill([modifier("numbers_only_text", config=limits)], text)

    assert bool(sent) is filled
    assert bool(left) is not filled


def test_without_a_text_of_the_merchants_a_text_is_named() -> None:
    assert fill([modifier("text")], "  ") == ([], ["Engraving"])


def test_options_nobody_has_to_choose_are_left_alone() -> None:
    assert fill([modifier("dropdown", value(7), required=False)], "x") == ([], [])
