"""Is the whole thing ready? Asked over HTTP, as a person's browser and a checker would."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from salestio import roles

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str, seconds: float = 5.0) -> tuple[int, Any]:
    """Return status and parsed JSON (None when it is none) of an address; status 0 when nobody answers."""
    try:
        with _OPENER.open(url, timeout=seconds) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    except OSError:
        return 0, None
    try:
        return status, json.loads(body)
    except ValueError:
        return status, None


class Readiness:
    """Ready means: the sandbox answers, `/readyz` says ok, and the worker has done a task since this start.

    `database` is the app's URL. Make it when the database answers and before the worker starts.
    """

    def __init__(self, web: str, sandbox: str, database: str) -> None:
        self.web, self.sandbox = web, sandbox
        self.missing = "nothing answered yet"
        self._connection = roles.connect(database)
        self._since = self._ask("SELECT now()", [])

    def _ask(self, query: str, values: list[Any]) -> Any:
        with self._connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchone()[0]

    def sandbox_answers(self) -> bool:
        """Say whether the sandbox answers."""
        status, _ = get(f"{self.sandbox}/_control/limits")
        self.missing = "the sandbox does not answer" if status != 200 else ""
        return status == 200

    def complete(self) -> bool:
        """Say whether web and worker are ready; `missing` tells what is not."""
        status, body = get(f"{self.web}/readyz")
        if status != 200:
            self.missing = f"/readyz answers {status or 'nothing'}: {body}"
            return False
        # The heartbeat is written by tasks (salestio/tasks.py); a process that is up proves nothing.
        query = "SELECT count(*) FROM salestio_heartbeat WHERE name IN ('worker', 'sweep') AND at > %s"
        if not self._ask(query, [self._since]):
            self.missing = "the worker has done no task yet"
            return False
        self.missing = ""
        return True

    def close(self) -> None:
        """Give the database connection back."""
        self._connection.close()
