"""Small things done to text: keys for matching, words for search, safe cutting."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

WORD = re.compile(r"\w+", re.UNICODE)
_HALF = re.compile("[\ud800-\udfff]")
_WORD_BEGINS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def words(text: str) -> list[str]:
    """Return the words of a text: NFKC, casefolded, word characters only."""
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def title_key(parts: Iterable[str]) -> str:
    """Return the key under which a title with its variation is found: a hash of its sorted words (MECHANISMS 8).

    `parts` are product title, option names and option values; order and punctuation do not matter. No word: "".
    """
    found = sorted(word for part in parts for word in words(part))
    if not found:
        return ""
    return hashlib.blake2b("\x1f".join(found).encode(), digest_size=16).hexdigest()


def spoken(code: str) -> str:
    """Return a code in words: *Second day* for SECOND_DAY, *USPS Ground Advantage* for USPSGroundAdvantage."""
    text = code.replace("_", " ")
    return text.capitalize() if text.isupper() else _WORD_BEGINS.sub(" ", text)


def cut(text: str, limit: int) -> str:
    """Return the text with at most `limit` characters, ending in … when something was cut off."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"


def listed(items: Sequence[str], *, last: str = "and") -> str:
    """Return "A", "A and B", "A, B and C"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def counted(number: int, one: str, many: str = "") -> str:
    """Return "1 unit" or "3 units"; thousands are set apart by a comma."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def storable(value: Any) -> Any:
    """Return data read from JSON with every text of it such that a database and a file can hold it.

    JSON can say what is no text: the zero character, and half of an emoji, left where a shop cut a long text. The first
    is dropped, the second becomes the sign for a letter that is lost.
    """
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value.replace("\x00", ""))
    if isinstance(value, list):
        return [storable(one) for one in value]
    if isinstance(value, dict):
        return {storable(name): storable(one) for name, one in value.items()}
    return value
