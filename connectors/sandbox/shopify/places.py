"""Countries whose regions the pretend shop knows, and the checks it makes on addresses, e-mails and phones.

Shopify accepts free text for a country it has no regions for; for the others a region must be one of its own. The
tables follow ISO 3166-2
(https://www.iso.org/obp/ui/) for the countries a demo or test order comes from.
"""

from __future__ import annotations

import re
from pathlib import Path


def _read() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    countries: dict[str, str] = {}
    regions: dict[str, dict[str, str]] = {}
    for line in (Path(__file__).parent / "regions.txt").read_text(encoding="utf-8").splitlines():
        code, _, name = line.partition(" ")
        country, _, part = code.partition("-")
        if code.startswith("#"):
            continue
        if part:
            regions.setdefault(country, {})[part.replace("_", " ")] = name
        else:
            countries[code] = name
    return countries, regions


COUNTRIES, REGIONS = _read()
"""ISO code → English name, and ISO code → {region code: name} for the countries that have a table."""

_EMAIL = re.compile(
    r"^[^@\s,;<>()\[\]\"]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+$"
)
_PHONE = re.compile(r"^\+?[0-9 ().\-/]{5,24}$")


def valid_email(text: str) -> bool:
    """Say whether Shopify would take this as an e-mail address (no check that it can receive mail)."""
    return len(text) <= 255 and bool(_EMAIL.match(text)) and ".." not in text


def valid_phone(text: str) -> bool:
    """Say whether Shopify would take this as a phone number: digits and marks, no letters, no "ext."."""
    return bool(_PHONE.match(text)) and 5 <= sum(c.isdigit() for c in text) <= 15


def region(country: str | None, code: str | None, name: str | None) -> tuple[str | None, str | None, bool]:
    """Return (code, name, is it valid) of a region given by code or by name in a country.

    A country without a table takes any text; a country with one refuses what is not in it.
    """
    table = REGIONS.get(country or "")
    if table is None:
        return code, name or code, True
    if code:
        known = table.get(code.upper())
        return (code.upper(), known, True) if known else (code, None, False)
    if name:
        found = next((c for c, n in table.items() if n.casefold() == name.casefold() or c == name.upper()), None)
        return (found, table[found], True) if found else (None, name, False)
    return None, None, True


def country(code: str | None, name: str | None) -> tuple[str | None, str | None]:
    """Return (ISO code, English name) of a country given by code or by name; the code itself where the name is not
    known."""
    if code:
        return code, COUNTRIES.get(code, code)
    if name:
        found = next((c for c, n in COUNTRIES.items() if n.casefold() == name.casefold() or c == name.upper()), None)
        return found, name
    return None, None
