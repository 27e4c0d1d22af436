"""Countries in words: what pages show for a code, and the code of what a merchant types."""

from __future__ import annotations

import re

from babel import Locale

NAMES = {code: name for code, name in Locale("en").territories.items() if re.fullmatch("[A-Z]{2}", code)}
_CODES = {name.casefold(): code for code, name in NAMES.items()} | {"uk": "GB", "usa": "US"}


def name(code: str) -> str:
    """Return *United States* for US; a code nobody knows stays as it is."""
    return NAMES.get(code.upper(), code)


def code_of(text: str) -> str:
    """Return the code of a country's code or English name, "" for what is neither."""
    word = text.strip().casefold()
    return _CODES.get(word) or (word.upper() if word.upper() in NAMES else "")
