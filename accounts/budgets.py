"""Daily budgets of our applications (eBay, Etsy): counters in PostgreSQL that workers take from in blocks of up to 50.

Implements the contract's `BudgetStore`. A limit belongs to our whole application, so it is shared fairly: half of it is
divided among all who ask as a floor nobody else can use up, the other half goes to whoever comes. Orders may use all of
it, stock nine tenths, listings eight, so that the more important goes on when the day grows short (MECHANISMS 10).
A process that ends gives nothing back: at most one block a process is lost, on the careful side. Days are UTC.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction

from accounts.models import BudgetLimit

BLOCK = 50
FLOOR_PART = 0.5
"""The part of a limit that is divided into floors."""
KIND_PARTS = {"orders": 1.0, "stock": 0.9, "listings": 0.8}
KEPT_SECONDS = 60.0
"""How long a process believes a learnt limit before it looks again."""


class DatabaseBudgets:
    """Counters shared by all workers; thread-safe. A few statements for every block taken."""

    def __init__(self, *, block: int = BLOCK) -> None:
        self._block = block
        self._held: dict[tuple[str, str, str, date], int] = {}
        self._limits: dict[str, tuple[float, int | None]] = {}
        self._lock = threading.Lock()

    def take(self, name: str, *, limit: int, units: int = 1, who: str = "", kind: str = "orders") -> float:
        """Take `units` of today's `limit`; return 0.0, or the seconds until midnight UTC when they are used up."""
        clock = datetime.now(UTC)
        today = clock.date()
        key = (name, who, kind, today)
        with self._lock:
            held = self._held.get(key, 0)
            if held < units:
                held += self._draw(name, who, today, int(limit * KIND_PARTS[kind]), limit, units - held)
            if held < units:
                self._held[key] = held
                tomorrow = datetime.combine(today + timedelta(days=1), datetime.min.time(), UTC)
                return (tomorrow - clock).total_seconds()
            self._held = {key: left for key, left in self._held.items() if key[3] >= today}
            self._held[key] = held - units
            return 0.0

    def correct(self, name: str, *, used: int) -> None:
        """Set what the platform's own headers say was used today; it only ever raises our count."""
        today = datetime.now(UTC).date()
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO accounts_dailybudget AS b (name, day, used) VALUES (%s, %s, %s)
                   ON CONFLICT (name, day) DO UPDATE SET used = greatest(b.used, EXCLUDED.used)""",
                [name, today, used],
            )

    def learned(self, name: str) -> int | None:
        """Return the limit the platform told last, or None."""
        with self._lock:
            at, calls = self._limits.get(name, (float("-inf"), None))
            if time.monotonic() - at > KEPT_SECONDS:
                calls = BudgetLimit.objects.filter(name=name).values_list("calls", flat=True).first()
                self._limits[name] = (time.monotonic(), calls)
            return calls

    def learn(self, name: str, *, limit: int) -> None:
        """Keep the daily limit the platform told."""
        if limit <= 0:
            return
        BudgetLimit.objects.update_or_create(name=name, defaults={"calls": limit, "learned_at": datetime.now(UTC)})
        with self._lock:
            self._limits[name] = (time.monotonic(), limit)

    def _draw(self, name: str, who: str, today: date, ceiling: int, limit: int, needed: int) -> int:
        """Take a block for `who`, as much as the ceiling and the others' floors leave; all takers wait for one row."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO accounts_dailybudget (name, day, used) VALUES (%s, %s, 0)
                   ON CONFLICT (name, day) DO UPDATE SET used = accounts_dailybudget.used RETURNING id, used""",
                [name, today],
            )
            row_id, used = cursor.fetchone()
            allowed, block = ceiling - used, self._block
            if who:
                floor, mine, beyond = self._shares(name, who, today, limit)
                # A block larger than a part of the floor would leave the last ones of a short day with nothing.
                block = min(block, max(1, floor // 4))
                free = max(0, floor - mine)
                allowed = min(allowed, free + max(0, int(limit * (1 - FLOOR_PART)) - beyond))
            got = max(0, min(allowed, max(block, needed)))
            if got:
                cursor.execute("UPDATE accounts_dailybudget SET used = used + %s WHERE id = %s", [got, row_id])
                if who:
                    cursor.execute(
                        """INSERT INTO accounts_dailybudget AS b (name, day, used) VALUES (%s, %s, %s)
                           ON CONFLICT (name, day) DO UPDATE SET used = b.used + EXCLUDED.used""",
                        [_share(name, who), today, got],
                    )
        return got

    def _shares(self, name: str, who: str, today: date, limit: int) -> tuple[int, int, int]:
        """Return (the floor of each, what `who` used, what all used beyond their floors)."""
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT name, max(used) FILTER (WHERE day = %s) FROM accounts_dailybudget
                   WHERE day >= %s AND starts_with(name, %s) GROUP BY name""",
                [today, today - timedelta(days=1), _share(name, "")],
            )
            used = {row_name: count or 0 for row_name, count in cursor.fetchall()}
        used.setdefault(_share(name, who), 0)
        floor = max(1, int(limit * FLOOR_PART) // len(used))
        return floor, used[_share(name, who)], sum(max(0, count - floor) for count in used.values())


def _share(name: str, who: str) -> str:
    """Return the row's name of one taker's share."""
    return f"{name}|{who}"[:120]
