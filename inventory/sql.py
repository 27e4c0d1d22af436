"""Two small helpers for the statements that the ORM cannot say."""

from __future__ import annotations

import json as _json
from typing import Any

from django.db import connection


def rows(sql: str, params: Any) -> list[tuple[Any, ...]]:
    """Run a statement and return all its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def run(sql: str, params: Any) -> int:
    """Run a statement and return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def json(value: Any) -> str:
    """Return a value as JSON text, for a `%s::jsonb`."""
    return _json.dumps(value)


def parsed(value: Any) -> Any:
    """Return a json column's value as data, whether the driver gave text or data."""
    return _json.loads(value) if isinstance(value, (str, bytes)) else value
