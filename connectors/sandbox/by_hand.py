"""Reads what a merchant gives by hand at a pretend store: in a form of its admin, or in a body of the control API.

Wrong input raises `Refusal`, which names the field; its words go on where the field's name ends.
"""

from __future__ import annotations

from typing import Any

from connectors.sandbox.platforms import Refusal

MAX_UNITS = 1_000_000


def whole(value: Any, field: str, *, low: int = -MAX_UNITS) -> int:
    """Read a whole number of units."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= MAX_UNITS:
        raise Refusal(field, f"must be a whole number between {low} and {MAX_UNITS}")
    return value


def units(text: str, field: str) -> int:
    """Read a whole number of units out of a form."""
    try:
        return whole(int(text), field)
    except ValueError:
        raise Refusal(field, "must be a whole number") from None


def text(value: Any, field: str, *, blank: bool = False) -> str:
    """Read a text of at most 255 characters."""
    if not isinstance(value, str) or len(value) > 255 or (not blank and not value.strip()):
        raise Refusal(field, "must be a text of 1 to 255 characters")
    return value


def choice(value: Any, field: str, allowed: tuple[str, ...]) -> str:
    """Read one of a few words."""
    if not isinstance(value, str) or value.lower() not in allowed:
        raise Refusal(field, f"must be one of {', '.join(allowed)}")
    return value.lower()


def flag(value: Any, field: str) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise Refusal(field, "must be true or false")
    return value


def start_of(text: str) -> int:
    """Read where a page of a list begins: the first row for anything odd."""
    return int(text) if text.isascii() and text.isdigit() else 0


def sentence(refusal: Refusal) -> str:
    """Return a refusal as a page says it."""
    return f"{refusal.field.replace('_', ' ').capitalize()} {refusal}."
