"""Telephone numbers as marketplaces give them, made into what Shopify takes; pure.

Amazon writes "+1 555-010-0199 ext. 12345": Shopify refuses the extension, so it moves to the second address line.
"""

from __future__ import annotations

import re
import unicodedata

_EXTENSION = re.compile(
    r"[\s,;]*(?:\b(?:extension|extn|ext|ex|x)|(?<=\d)(?:ext|x)|#)[.:\s]*(\d{1,12})\s*$", re.IGNORECASE
)
_DIGITS = re.compile(r"\d+")

DIALING = {
    "US": "1", "CA": "1", "MX": "52", "BR": "55", "GB": "44", "IE": "353", "DE": "49", "AT": "43", "CH": "41",
    "FR": "33", "IT": "39", "ES": "34", "PT": "351", "NL": "31", "BE": "32", "LU": "352", "DK": "45", "SE": "46",
    "NO": "47", "FI": "358", "PL": "48", "CZ": "420", "TR": "90", "AE": "971", "SA": "966", "EG": "20", "IN": "91",
    "JP": "81", "SG": "65", "AU": "61", "NZ": "64", "ZA": "27",
}  # fmt: skip
"""Country → its calling code, for the countries Amazon sells in."""

_KEEP_ZERO = frozenset({"IT"})
"""Numbers of these countries keep their leading zero after the calling code."""

_NATIONAL_DIGITS = {
    "IN": 10, "ES": 9, "PT": 9, "DK": 8, "NO": 8, "PL": 9, "CZ": 9, "SG": 8, "MX": 10, "IT": 11, "LU": 9, "BR": 11,
    "AE": 9, "SA": 9, "TR": 10, "EG": 10,
}  # fmt: skip
"""Where numbers are written without a leading zero, only their length tells whether the calling code is in front."""

SHORTEST, LONGEST = 7, 15
"""Digits of an international number (ITU E.164 allows fifteen)."""


def _ascii(text: str) -> str:
    """Return the text with the digits and signs of every script as ASCII has them: Japan's wide ones, Arabic ones."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in plain)


def clean(text: str, country: str) -> tuple[str, str]:
    """Return (number, extension): the number as +<digits> where the country is known, else its digits.

    An unusable number (too short, too long, no digits) comes back empty; `country` is ISO 3166-1 alpha-2.
    """
    extension = ""
    stripped = _ascii(text).strip()
    if found := _EXTENSION.search(stripped):
        extension = found.group(1)
        stripped = stripped[: found.start()]
    international = stripped.lstrip("( ").startswith("+")
    digits = "".join(_DIGITS.findall(stripped.replace("(0)", "") if international else stripped))
    if not international and digits.startswith("00"):
        international, digits = True, digits[2:]
    if not SHORTEST <= len(digits) <= LONGEST:
        return "", extension
    if international:
        return f"+{digits}", extension
    code = DIALING.get(country.upper())
    if code is None:
        return digits, extension
    if code == "1":
        return (f"+{digits}" if len(digits) == 11 and digits[0] == "1" else f"+1{digits}"), extension
    # Elsewhere a national number begins with 0, so one that begins with the calling code has it in front.
    if digits.startswith(code) and len(digits) > _NATIONAL_DIGITS.get(country.upper(), SHORTEST):
        return f"+{digits}", extension
    national = digits if country.upper() in _KEEP_ZERO else digits.lstrip("0")
    number = f"+{code}{national}"
    return (number if len(national) >= SHORTEST - 1 and len(number) <= LONGEST + 1 else ""), extension


def tells_something(text: str) -> bool:
    """Say whether there are digits enough for somebody to call, though not as one number (two numbers, a note)."""
    return sum(letter.isdecimal() for letter in text) >= SHORTEST
