"""Etsy is one site for the whole world: an account has no site to choose, and its currency is the shop's."""

from __future__ import annotations

SITE = "ETSY"


def choices() -> dict[str, list[tuple[str, str]]]:
    """Return the one site [(code, its country)]; Etsy has no regions and no country, so both are ""."""
    return {"": [(SITE, "")]}
