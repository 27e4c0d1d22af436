"""Filling a product's mandatory options: their default, else their first value, else the merchant's text (F70).

Pure. BigCommerce calls them modifiers: things a shopper chooses that make no variant (engraving, insurance). An order
without the required ones is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

Json = Mapping[str, Any]

_TEXTS = frozenset({"text", "multi_line_text"})
_UNSUPPORTED = frozenset({"file", "product_list", "product_list_with_images"})
"""The orders API takes neither uploads nor pick lists."""


def fill(modifiers: Sequence[Json], text: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return (what to send as `product_options`, names of the mandatory modifiers that cannot be filled).

    `text` is what the merchant wants to stand where a text is asked for.
    """
    filled: list[dict[str, Any]] = []
    open_ones: list[str] = []
    for modifier in sorted(modifiers, key=_order):
        if modifier.get("required") is not True:
            continue
        value = _value(modifier, text)
        if value is None:
            open_ones.append(str(modifier.get("display_name") or modifier.get("id")))
        else:
            filled.append({"id": modifier.get("id"), "value": value})
    return filled, open_ones


def _value(modifier: Json, text: str) -> str | None:
    kind = modifier.get("type")
    if kind in _UNSUPPORTED:
        return None
    held = modifier.get("config")
    config: Json = held if isinstance(held, dict) else {}
    values = [one for one in modifier.get("option_values") or () if isinstance(one, dict) and one.get("id")]
    if values:
        return str(_chosen(kind, config, sorted(values, key=_order))["id"])
    default = str(config.get("default_value") or "")
    if default:
        return default
    if kind in _TEXTS:
        return _text(config, text)
    if kind == "numbers_only_text":
        return _number(config, text)
    if kind == "date":
        return _date(text)
    return None


def _chosen(kind: Any, config: Json, values: Sequence[Json]) -> Json:
    """Return the default value, else the first one."""
    default = next((one for one in values if one.get("is_default") is True), None)
    if default is None and kind == "checkbox" and isinstance(config.get("checked_by_default"), bool):
        wanted = config["checked_by_default"]
        default = next((one for one in values if (one.get("value_data") or {}).get("checked_value") is wanted), None)
    return default or values[0]


def _text(config: Json, text: str) -> str | None:
    """Return the merchant's text when the modifier takes one of that length; too long a text is cut."""
    given = text.strip()
    if config.get("text_characters_limited") is True:
        most, least = config.get("text_max_length"), config.get("text_min_length")
        given = given[:most] if isinstance(most, int) and most > 0 else given
        if isinstance(least, int) and len(given) < least:
            return None
    return given or None


def _number(config: Json, text: str) -> str | None:
    value = _decimal(text.strip())
    if value is None:
        return None
    mode = config.get("number_limit_mode") if config.get("number_limited") is True else ""
    low, high = _decimal(config.get("number_lowest_value")), _decimal(config.get("number_highest_value"))
    if mode in ("lowest", "range") and low is not None and value < low:
        return None
    if mode in ("highest", "range") and high is not None and value > high:
        return None
    return format(value, "f")


def _decimal(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _date(text: str) -> str | None:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        return None


def _order(one: Json) -> tuple[int, int]:
    place, number = one.get("sort_order"), one.get("id")
    return (place if isinstance(place, int) else 0, number if isinstance(number, int) else 0)
