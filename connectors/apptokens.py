"""A platform's token for our application itself: asked for once a process, renewed ahead of its end. No database."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from connectors.contract.types import Grant

EARLY_FRACTION = 0.8
"""Tokens are renewed at this part of their life, so that calls rarely wait (MECHANISMS 10)."""


class GivesAppTokens(Protocol):
    """A platform's authorization that can also ask for a token of our own."""

    def app_token(self) -> Grant:
        """Return a fresh token for our application; its `access_expires_at` is set."""
        ...


@dataclass(slots=True)
class _Held:
    token: str
    good_until: float


class HeldAppToken:
    """A `TokenSource` for our application's own calls. Thread-safe; a platform says how its processes share one."""

    def __init__(self, auth: GivesAppTokens) -> None:
        self._auth = auth
        self._held: _Held | None = None
        self._lock = threading.Lock()

    def current(self) -> str:
        """Return a token that is good now."""
        with self._lock:
            if self._held is None or time.monotonic() >= self._held.good_until:
                grant = self._auth.app_token()
                assert grant.access_expires_at is not None
                life = (grant.access_expires_at - datetime.now(UTC)).total_seconds()
                self._held = _Held(grant.access_token, time.monotonic() + life * EARLY_FRACTION)
            return self._held.token

    def refused(self, token: str) -> None:
        """Forget the token if it is still the one in use."""
        with self._lock:
            if self._held is not None and self._held.token == token:
                self._held = None
