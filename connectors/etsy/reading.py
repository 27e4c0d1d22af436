"""Careful readers of what is Etsy's own: texts with HTML entities, numeric ids, times in epoch seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from typing import Any

from connectors import reading

DIGITS = 18
"""No number of Etsy's is longer (int64); what is, is no number."""

LATEST_SECONDS = 253402300799
"""The end of the year 9999: a later time cannot be held."""


def text(raw: Mapping[str, Any], key: str) -> str:
    """Return the text under a key, trimmed; numbers as text; empty for anything else.

    Etsy sends texts with HTML entities in them ("O&#39;Connell Street", etsy/open-api issue 446): they are undone.
    """
    value = raw.get(key)
    if isinstance(value, str):
        return unescape(value).strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def number_id(raw: Mapping[str, Any], key: str) -> str:
    """Return one of Etsy's numeric ids as text, empty when there is none (null, 0, or no number at all)."""
    value = text(raw, key)
    plain = value.isascii() and value.isdecimal() and len(value) <= DIGITS + 1
    return value if plain and int(value) > 0 else ""


def count(value: Any) -> int | None:
    """Return a whole number from zero on (also written as text), or None."""
    read = whole(value)
    return read if read is not None and read >= 0 else None


def whole(value: Any) -> int | None:
    """Return a whole number (also written as text), or None."""
    read = number(value)
    return int(read) if read is not None and read == read.to_integral_value() else None


def number(value: Any) -> Decimal | None:
    """Return a decimal, None for anything else and for what is longer than any number of Etsy's."""
    read = reading.number(value)
    return read if read is not None and abs(read) < 10**DIGITS else None


def seconds(raw: Mapping[str, Any], *keys: str) -> int | None:
    """Return the first readable time under one of the keys, in epoch seconds, or None."""
    for key in keys:
        value = count(raw.get(key))
        if value and value <= LATEST_SECONDS:
            return value
    return None


def instant(raw: Mapping[str, Any], *keys: str) -> datetime | None:
    """Return the first readable time under one of the keys (epoch seconds) in UTC, or None."""
    value = seconds(raw, *keys)
    return datetime.fromtimestamp(value, UTC) if value is not None else None
