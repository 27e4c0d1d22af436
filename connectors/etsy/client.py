"""One method an endpoint: raw JSON in and out, through `connectors.http`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.contract.errors import RateLimited, TransientError
from connectors.contract.tokens import BudgetStore, TokenSource
from connectors.etsy import errors, limits
from connectors.etsy.config import PLATFORM, EtsyConfig
from connectors.http import Caller, Reply, http_date
from connectors.ratelimit import Limiter


def odd(operation: str, words: str) -> TransientError:
    """Return the error for a success that makes no sense: a gateway speaking."""
    return TransientError(f"Etsy {words}", platform=PLATFORM, operation=operation)


class Client:
    """The endpoints we use, for one shop. Thread-safe; keep it.

    `budget` is our application's daily one. `clock_behind` is how far Etsy's clock is behind ours, as its last answer
    said; zero where it is ahead.
    """

    def __init__(
        self,
        *,
        shop_id: str,
        tokens: TokenSource,
        limiter: Limiter,
        config: EtsyConfig,
        budgets: BudgetStore | None = None,
    ) -> None:
        self._shop_id = shop_id
        self._tokens = tokens
        self._api_key = config.api_key
        self.budget = limits.Budget(budgets, limiter, who=shop_id)
        self.clock_behind = timedelta(0)
        self._caller = Caller(
            platform=PLATFORM,
            base_url=f"{config.api.rstrip('/')}/v3/application",
            tokens=tokens,
            limiter=limiter,
            account=shop_id,
            deadlines=config.deadlines,
            token_prefix="Bearer ",  # noqa: S106 - the scheme's name
            token_refused=errors.token_refused,
            user_agent=config.user_agent,
        )

    @property
    def clock_offset(self) -> timedelta:
        """How far Etsy's clock is ahead of ours, as its last answer said."""
        return self._caller.clock_offset

    def receipts(self, query: Mapping[str, str | int]) -> dict[str, Any]:
        """Return one page of getShopReceipts: `count` and `results`."""
        operation = "getShopReceipts"
        page = self._object(self._read(operation, f"/shops/{self._shop_id}/receipts", query))
        if not isinstance(page.get("results"), list):
            raise odd(operation, "answered without a list of receipts")
        return page

    def receipt(self, receipt_id: int, *, urgent: bool = False) -> dict[str, Any]:
        """Return one receipt. Raises `NotFound`."""
        operation = "getShopReceipt"
        found = self._object(self._read(operation, f"/shops/{self._shop_id}/receipts/{receipt_id}", urgent=urgent))
        if not found.get("receipt_id"):
            raise odd(operation, "answered without a receipt")
        return found

    def shop(self) -> dict[str, Any]:
        """Return the shop: its name, currency, country, and whether it is on vacation. Raises `NotFound`."""
        operation = "getShop"
        found = self._object(self._read(operation, f"/shops/{self._shop_id}"))
        if not found.get("shop_id"):
            raise odd(operation, "answered without a shop")
        return found

    def token_scopes(self) -> frozenset[str]:
        """Return the scopes of the token in use. Etsy's contract leaves the answer's form open: a list, or in one."""
        operation = "tokenScopes"
        self.budget.spend(operation)
        reply = self._call(operation, "POST", "/scopes", data={"token": self._tokens.current()})
        body = reply.json()
        listed = body.get("scopes") if isinstance(body, dict) else body
        if not isinstance(listed, list):
            raise odd(operation, "answered without a list of scopes")
        return frozenset(scope for scope in listed if isinstance(scope, str))

    # ── how calls are made ───────────────────────────────────────────────────────────────────────────────────────────

    def _read(
        self, operation: str, path: str, query: Mapping[str, str | int] | None = None, *, urgent: bool = False
    ) -> Reply:
        self.budget.spend(operation, urgent=urgent)
        return self._call(operation, "GET", path, params=query)

    def _call(
        self, operation: str, method: str, path: str, *, params: Mapping[str, str | int] | None = None, data: Any = None
    ) -> Reply:
        headers = {"x-api-key": self._api_key}
        if data is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        asked_at = datetime.now(UTC)
        try:
            reply = self._caller.call(
                operation, method, path, params=params, data=data, headers=headers, limits=limits.takes()
            )
        except RateLimited as error:
            if not error.ours:
                error.retry_after = self.budget.refused(error.retry_after)
            raise
        self.budget.learn(reply.headers)
        self._note_clock(reply, asked_at)
        if reply.status >= 400:
            raise errors.rejection(reply)
        return reply

    def _note_clock(self, reply: Reply, asked_at: datetime) -> None:
        theirs = http_date(reply.headers.get("Date", ""))
        if theirs is not None:
            # The header has whole seconds, cut off: clocks that agree seem up to a second apart, on the careful side.
            self.clock_behind = max(asked_at - theirs, timedelta(0))

    @staticmethod
    def _object(reply: Reply) -> dict[str, Any]:
        body = reply.json()
        if not isinstance(body, dict):
            raise odd(reply.operation, "answered with something that is no object")
        return body
