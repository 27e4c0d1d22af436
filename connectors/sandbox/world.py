"""What exists in the pretend world: plain documents in memory, every accepted change on disk before the answer leaves.

The journal is one sqlite file (WAL, `synchronous=off`): it survives `kill -9` of the process, though not a power cut.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.sandbox.texts import Texts

Doc = dict[str, Any]

WRITE_KINDS = (
    "order.create",
    "order.update",
    "order.move",
    "order.cancel",
    "order.ship",
    "refund.create",
    "stock.set",
    "price.set",
    "product.create",
    "product.update",
    "listing.create",
    "listing.update",
    "listing.delete",
    "oversold",
    "fba.quantity",
)
"""Every kind the write record can hold. The last two are alarms: things that must never happen."""

_KEPT = frozenset({"settings"})
"""Tables that stay when the world is reset; platforms name theirs of apps, sellers, tokens, subscriptions: `keep`."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS docs (tbl TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (tbl, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS writes (n INTEGER PRIMARY KEY, at TEXT NOT NULL, platform TEXT NOT NULL, key TEXT NOT NULL,
    kind TEXT NOT NULL, reference TEXT, id TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS writes_reference ON writes (reference);
"""


def iso_ms(moment: datetime) -> str:
    """Write a UTC time with milliseconds, as the control API does (`2026-11-21T09:30:00.123Z`)."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class World:
    """The documents, the clock and the record of accepted writes. Used by one event loop only.

    A document is a dict of plain JSON values; whoever changes one calls `put` with it. Nothing is durable before
    `commit`, which the server calls before each answer leaves.
    """

    def __init__(self, data_dir: Path | str) -> None:
        self.directory = Path(data_dir)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._tables: dict[str, dict[str, Doc]] = {}
        self._counters: dict[str, int] = {}
        self._touched: set[tuple[str, str]] = set()
        self._counted: set[str] = set()
        self._written: list[tuple[int, str, str, str, str, str | None, str, str]] = []
        self._reset_callbacks: list[Callable[[], None]] = []
        self._kept: set[str] = set(_KEPT)
        self.texts = Texts()
        """How documents were shown last; `put` and `drop` forget the text of theirs."""
        self.warehouses: list[Callable[[str], bool]] = []
        """Each says whether its marketplace ships the order of that id from a warehouse of its own."""
        self.skew_seconds = 0.0
        """Added to the clock while a `clock_skew` fault is on."""
        self._db = sqlite3.connect(self.directory / "sandbox.sqlite3", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_SCHEMA)
        self._load()

    def _load(self) -> None:
        for table, key, body in self._db.execute("SELECT tbl, key, body FROM docs"):
            self._tables.setdefault(table, {})[key] = json.loads(body)
        self._counters = dict(self._db.execute("SELECT name, value FROM counters"))

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def now(self) -> datetime:
        """Return the sandbox's time in UTC: the machine's, moved by `/clock` and by a skew fault."""
        offset = self._counters.get("clock_offset", 0) + self.skew_seconds
        now = datetime.now(UTC)
        return now + timedelta(seconds=offset) if offset else now

    def advance(self, seconds: int) -> None:
        """Move the clock on (whole seconds; negative is allowed)."""
        self._counters["clock_offset"] = self._counters.get("clock_offset", 0) + seconds
        self._counted.add("clock_offset")

    # ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────

    def table(self, name: str) -> dict[str, Doc]:
        """Return a table by key: the same dict for the life of the process. Change it by `put` and `drop`."""
        return self._tables.setdefault(name, {})

    def put(self, table: str, key: str, doc: Doc) -> None:
        """Store or mark as changed a document; it is on disk after the next `commit`."""
        self._tables.setdefault(table, {})[key] = doc
        self._touched.add((table, key))
        self.texts.forget(table, key)

    def drop(self, table: str, key: str) -> None:
        """Delete a document; one that is not there is fine."""
        if self._tables.setdefault(table, {}).pop(key, None) is not None:
            self._touched.add((table, key))
            self.texts.forget(table, key)

    def next_id(self, name: str) -> int:
        """Return the next number of a sequence, from 1. It goes on over a reset: no old id gets a new meaning."""
        value = self._counters.get(name, 0) + 1
        self._counters[name] = value
        self._counted.add(name)
        return value

    # ── the record of accepted writes ────────────────────────────────────────────────────────────────────────────────

    def record(self, platform: str, key: str, kind: str, reference: str | None, id: str, body: Doc) -> int:
        """Add to the write record and return its number `n`.

        `key` is the store or seller, `kind` one of WRITE_KINDS, `reference` the marketplace's order id where there is
        one, `id` the platform's id of what was written. Raises ValueError for an unknown kind.
        """
        if kind not in WRITE_KINDS:
            raise ValueError(f"unknown kind of write: {kind}")
        n = self.next_id("write")
        row = (n, iso_ms(self.now()), platform, key, kind, reference, id, json.dumps(body, separators=(",", ":")))
        self._written.append(row)
        return n

    def writes(
        self,
        *,
        kind: str = "",
        key: str = "",
        reference: str = "",
        since: int = 0,
        limit: int = 1000,
        body: bool = True,
    ) -> list[Doc]:
        """Return recorded writes with `n` greater than `since`, ascending, at most `limit`."""
        self.commit()
        conditions, values = ["n > ?"], [since]
        texts: list[str] = []
        for column, wanted in (("kind", kind), ("key", key), ("reference", reference)):
            if wanted:
                conditions.append(f"{column} = ?")
                texts.append(wanted)
        columns = "n, at, platform, key, kind, reference, id" + (", body" if body else "")
        # The columns and conditions are from the fixed lists above.
        rows = self._db.execute(
            f"SELECT {columns} FROM writes WHERE {' AND '.join(conditions)} ORDER BY n LIMIT ?",  # noqa: S608
            [*values, *texts, limit],
        )
        names = columns.split(", ")
        found = [dict(zip(names, row, strict=True)) for row in rows]
        for entry in found:
            if body:
                entry["body"] = json.loads(entry["body"])
        return found

    def write_counts(self) -> dict[str, int]:
        """Return how many writes of each kind were recorded."""
        self.commit()
        return dict(self._db.execute("SELECT kind, count(*) FROM writes GROUP BY kind"))

    def latest_writes(self, kind: str = "", limit: int = 200) -> list[Doc]:
        """Return the newest recorded writes, newest first, without bodies."""
        self.commit()
        names = ("n", "at", "platform", "key", "kind", "reference", "id")
        rows = self._db.execute(
            "SELECT n, at, platform, key, kind, reference, id FROM writes WHERE ? IN ('', kind) "
            "ORDER BY n DESC LIMIT ?",
            (kind, limit),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def created(self, references: list[str]) -> dict[str, int]:
        """Return how many store orders were created for each of these marketplace orders; none is left out."""
        self.commit()
        found: dict[str, int] = {}
        for start in range(0, len(references), 500):
            part = references[start : start + 500]
            marks = ",".join("?" * len(part))
            # Nothing but question marks is put into the statement.
            statement = f"SELECT reference, count(*) FROM writes WHERE kind = 'order.create' AND reference IN ({marks})"  # noqa: S608
            found |= dict(self._db.execute(f"{statement} GROUP BY reference", part))
        return found

    def doubled(self) -> int:
        """Return how many store orders were created beyond the first for their marketplace order."""
        self.commit()
        counted = (
            "SELECT count(*), count(DISTINCT reference) FROM writes WHERE kind = 'order.create' AND reference != ''"
        )
        every, different = self._db.execute(counted).fetchone()
        return int(every - different)

    # ── durability ───────────────────────────────────────────────────────────────────────────────────────────────────

    def commit(self) -> None:
        """Write all touched documents, counters and new records in one transaction. Cheap when nothing changed."""
        if not (self._touched or self._written or self._counted):
            return
        gone, kept = [], []
        for table, key in self._touched:
            doc = self._tables[table].get(key)
            if doc is None:
                gone.append((table, key))
            else:
                kept.append((table, key, json.dumps(doc, separators=(",", ":"))))
        execute = self._db.execute
        execute("BEGIN")
        try:
            if kept:
                self._db.executemany("INSERT OR REPLACE INTO docs VALUES (?, ?, ?)", kept)
            if gone:
                self._db.executemany("DELETE FROM docs WHERE tbl = ? AND key = ?", gone)
            if self._written:
                self._db.executemany("INSERT INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._written)
            if self._counted:
                counters = [(name, self._counters[name]) for name in self._counted]
                self._db.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", counters)
            execute("COMMIT")
        except BaseException:
            execute("ROLLBACK")
            raise
        self._touched.clear()
        self._written.clear()
        self._counted.clear()

    # ── reset ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def keep(self, *tables: str) -> None:
        """Name tables of apps, sellers, tokens and subscriptions: they stay when the world is reset."""
        self._kept.update(tables)

    def on_reset(self, callback: Callable[[], None]) -> None:
        """Have a function called after each reset, to sow the demo world again."""
        self._reset_callbacks.append(callback)

    def reset(self) -> None:
        """Forget the world and the write record; tokens, apps and subscriptions stay; the clock is set right."""
        self.commit()
        world = [name for name in self._tables if name not in self._kept]
        self._db.execute("BEGIN")
        self._db.execute("DELETE FROM writes")
        self._db.executemany("DELETE FROM docs WHERE tbl = ?", [(name,) for name in world])
        self._db.execute("COMMIT")
        for name in world:
            self._tables[name].clear()
        self.texts.clear()
        self._counters["clock_offset"] = 0
        self._counted.add("clock_offset")
        self.skew_seconds = 0.0
        for callback in self._reset_callbacks:
            callback()
        self.commit()

    def close(self) -> None:
        """Commit and close the journal."""
        self.commit()
        self._db.close()


def page(rows: Iterable[Doc], cursor: str, limit: int) -> tuple[list[Doc], str | None]:
    """Cut one page out of rows; `cursor` is the offset as text, "" for the first. ValueError for a bad cursor."""
    start = int(cursor) if cursor else 0
    if start < 0:
        raise ValueError("negative")
    everything = list(rows)
    cut = everything[start : start + limit]
    return cut, str(start + limit) if start + limit < len(everything) else None
