"""Ports a connector is handed: where its token comes from, and what it may still call today."""

from __future__ import annotations

from typing import Protocol


class TokenSource(Protocol):
    """Gives the access token in force; implemented in `accounts/credentials.py` (MECHANISMS 10)."""

    def current(self) -> str:
        """Return a token that is good now, refreshing it first if need be.

        Raises `AuthorizationExpired` when only the merchant can help, `TransientError` when the refresh did not answer.
        """

    def refused(self, token: str) -> None:
        """Tell that the platform refused this token, so that the next `current()` brings another one."""


class BudgetStore(Protocol):
    """Daily and slow limits of our application, kept in the database; implemented in `accounts/budgets.py`.

    They are shared by all merchants: `who` is the account that asks, `kind` what for. Everybody has a floor, and orders
    go before stock before listings (MECHANISMS 10).
    """

    def take(self, name: str, *, limit: int, units: int = 1, who: str = "", kind: str = "orders") -> float:
        """Take `units` of today's `limit` of the budget `name`; return 0.0, or the seconds until some are free.

        `kind` is orders, stock or listings.
        """

    def correct(self, name: str, *, used: int) -> None:
        """Set what the platform's own headers say was used today; it only ever raises our count."""

    def learned(self, name: str) -> int | None:
        """Return the limit the platform itself told last (`learn`), or None."""

    def learn(self, name: str, *, limit: int) -> None:
        """Keep the daily limit the platform's headers or its rate-limit call told."""
