"""Daily budgets of our applications (eBay, Etsy), as counters in PostgreSQL that workers take from in blocks of 50.

Implements the contract's `BudgetStore`. A process that ends gives nothing back: at most one block a process is lost, on
the careful side. Days are UTC.
"""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

from django.db import connection

BLOCK = 50


class DatabaseBudgets:
    """Counters shared by all workers; thread-safe. Two statements for every 50 units taken."""

    def __init__(self, *, block: int = BLOCK) -> None:
        self._block = block
        self._held: dict[tuple[str, date], int] = {}
        self._lock = threading.Lock()

    def take(self, name: str, *, limit: int, units: int = 1) -> float:
        """Take `units` of today's `limit`; return 0.0, or the seconds until midnight UTC when they are used up."""
        clock = datetime.now(UTC)
        today = clock.date()
        with self._lock:
            held = self._held.get((name, today), 0)
            if held < units:
                held += self._draw(name, today, limit, max(self._block, units - held))
            if held < units:
                self._held[(name, today)] = held
                tomorrow = datetime.combine(today + timedelta(days=1), datetime.min.time(), UTC)
                return (tomorrow - clock).total_seconds()
            self._held = {key: left for key, left in self._held.items() if key[1] >= today}
            self._held[(name, today)] = held - units
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

    def _draw(self, name: str, today: date, limit: int, wanted: int) -> int:
        """Take up to `wanted` units from the row, as many as today's limit leaves, in one statement."""
        with connection.cursor() as cursor:
            cursor.execute(
                """WITH before AS (
                       INSERT INTO accounts_dailybudget (name, day, used) VALUES (%s, %s, 0)
                       ON CONFLICT (name, day) DO UPDATE SET used = accounts_dailybudget.used RETURNING id, used)
                   SELECT id, used FROM before""",
                [name, today],
            )
            row_id, _ = cursor.fetchone()
            cursor.execute(
                """UPDATE accounts_dailybudget b SET used = least(b.used + %s, greatest(%s, b.used))
                   FROM (SELECT id, used FROM accounts_dailybudget WHERE id = %s FOR UPDATE) old
                   WHERE b.id = old.id RETURNING b.used - old.used""",
                [wanted, limit, row_id],
            )
            (got,) = cursor.fetchone()
        return int(got)
