"""The JSON of documents, kept as text until the document changes: lists show the same orders again and again."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from typing import Any

Doc = dict[str, Any]

_MOST = 20_000
"""Texts kept at the most: ten accounts with 2,000 waiting orders each; 50 to 75 MB."""


class Texts:
    """One text a document, as it was shown last. The world forgets it when the document is stored or dropped."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kept: dict[tuple[str, str], tuple[Hashable, bytes]] = {}

    def text(self, table: str, key: str, view: Hashable, show: Callable[[], Doc]) -> bytes:
        """Return a document as JSON, made by `show` unless the text is known.

        `view` holds everything the text depends on beside the document itself: whoever leaves something out of it
        answers with what was true for another caller, or at another time.
        """
        place = (table, key)
        known = self._kept.get(place)
        if known is not None and known[0] == view:
            return known[1]
        text = dump(show())
        if known is None and len(self._kept) >= self._most:
            # The oldest: pollers read the newest orders.
            del self._kept[next(iter(self._kept))]
        self._kept[place] = (view, text)
        return text

    def forget(self, table: str, key: str) -> None:
        """Drop a document's text, known or not."""
        self._kept.pop((table, key), None)

    def clear(self) -> None:
        """Drop every text."""
        self._kept.clear()


def dump(body: Doc) -> bytes:
    """Return the JSON of a body as it is sent."""
    return json.dumps(body, separators=(",", ":")).encode()


def page_of(body: Doc, name: str, rows: Sequence[bytes]) -> bytes:
    """Return the JSON of a body with a list `name` of rows that are JSON already."""
    head, tail = dump({**body, name: []})[:-2], b"]}"
    if not rows:
        return head + tail
    # The ends ride on the first and the last row: a page is near a megabyte, and each copy of it takes fresh memory.
    whole = [head + rows[0], *rows[1:]]
    whole[-1] += tail
    return b",".join(whole)
