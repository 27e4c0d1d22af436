"""Careful readers of raw JSON: each gives a plain value or nothing, whatever the platform sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

_NOTHING: Mapping[str, Any] = {}


class Unreadable(ValueError):
    """A value that is needed is not there or not in a form we know; the message says which, without personal data."""


def part(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object under a key, empty when there is none."""
    value = raw.get(key)
    return value if isinstance(value, dict) else _NOTHING


def nested(raw: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return the object at the end of a path of keys, empty when any is missing."""
    for key in keys:
        raw = part(raw, key)
    return raw


def each(raw: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the objects of the list under a key; anything else in it is left out."""
    value = raw.get(key)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def text(raw: Mapping[str, Any], key: str) -> str:
    """Return the text under a key, trimmed; numbers as text; empty for anything else."""
    value = raw.get(key)
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def count(value: Any) -> int | None:
    """Return a whole number from zero on (also written as text), or None."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def number(value: Any) -> Decimal | None:
    """Return a decimal number (text, or a JSON number), or None. A float goes by its shortest text, never its bits."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        read = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return read if read.is_finite() else None


def instant(value: Any) -> datetime | None:
    """Return a time in UTC from ISO 8601 with or without milliseconds, or None. A time without zone is UTC."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        read = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
