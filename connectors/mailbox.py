"""E-mail addresses as stores take them; pure.

Stores refuse an order for an e-mail they cannot read, so one that is none is not sent. A domain in another script has an
equivalent in letters every store takes (IDNA, "xn--…"), so that it is sent; the part before the @ has none.
"""

from __future__ import annotations

import re

import idna

_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"(?:[A-Za-z]{2,63}|[Xx][Nn]--[A-Za-z0-9-]{0,57}[A-Za-z0-9])"
)
LONGEST_NOTED = 320
"""Characters of a text that is no address which are still worth a line of a note."""


def sendable(text: str, *, longest: int) -> str:
    """Return the address as a store can take it, of at most `longest` characters, else ""."""
    local, at, domain = text.strip().rpartition("@")
    if not at or local.startswith(".") or local.endswith(".") or ".." in local:
        return ""
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except UnicodeError:
            return ""
    address = f"{local}@{domain}"
    return address if len(address) <= longest and _ADDRESS.fullmatch(address) else ""


def note_line(text: str) -> str:
    """Return how a note says an address that is not sent; "" for none."""
    flat = " ".join(text.split())[:LONGEST_NOTED]
    return f"E-mail: {flat}" if flat else ""
