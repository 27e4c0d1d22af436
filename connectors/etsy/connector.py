"""Etsy as a marketplace: reads like a table of contents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from connectors.contract.errors import NotFound, Rejected
from connectors.contract.tokens import BudgetStore, TokenSource
from connectors.contract.types import Finding, MarketplaceOrder, Page, Site, Window
from connectors.etsy import checks, errors, limits, mapping, paging
from connectors.etsy.client import Client
from connectors.etsy.config import PLATFORM, EtsyConfig
from connectors.ratelimit import Limiter


class Etsy:
    """One shop; implements `Marketplace` and `Checks`. Thread-safe; keep it.

    `key` is the shop's id, `region` has no meaning, `tokens` gives this seller's access token, `budgets` keeps our
    application's daily calls (None: they are not counted). Etsy's webhooks are set up by hand in its developer portal,
    for the whole application: there is nothing to subscribe to.
    """

    platform = PLATFORM

    def __init__(
        self,
        key: str,
        region: str,
        tokens: TokenSource,
        limiter: Limiter,
        config: EtsyConfig,
        *,
        budgets: BudgetStore | None = None,
    ) -> None:
        self.seller_key = key
        self.region = region
        self._config = config
        self._client = Client(shop_id=key, tokens=tokens, limiter=limiter, config=config, budgets=budgets)

    def list_orders(self, window: Window, *, sites: Sequence[str] = ()) -> Page[MarketplaceOrder]:
        """Return one page (up to 100) of the receipts in the window, oldest first; canceled ones too.

        `bound` is the time before this page was read, by Etsy's clock if that is behind ours. Every page of one window
        must be asked with the same window; a token of another one raises `Rejected` with the code `page_token`. `sites`
        has no meaning: Etsy is one.
        """
        try:
            position = paging.start(window)
        except ValueError as error:
            raise Rejected(
                "this page token is not of this window", code=errors.PAGE_TOKEN, platform=PLATFORM
            ) from error
        now = datetime.now(UTC)
        limit = self._config.page_size
        page = self._client.receipts(paging.query(position, window, limit))
        following = paging.after(position, page, by_creation=window.by_creation, limit=limit)
        return Page(
            items=mapping.read_orders(paging.fresh(position, page["results"]), read_at=now),
            next_token=following.token if following else "",
            bound=paging.bound(window, now - self._client.clock_behind),
        )

    def get_order(self, order_id: str, *, urgent: bool = False) -> MarketplaceOrder:
        """Return one order. `urgent` (a person waits) may take the calls kept for that. Raises `NotFound`."""
        if not (order_id.isascii() and order_id.isdecimal() and 0 < len(order_id) < 20):
            raise NotFound("Etsy's order numbers are plain numbers", code="404", platform=PLATFORM)
        raw = self._client.receipt(int(order_id), urgent=urgent)
        return mapping.read_order(raw, read_at=datetime.now(UTC))

    def sites(self) -> Sequence[Site]:
        """Return the one site of this shop: Etsy, named as the shop is, in the shop's currency."""
        return (mapping.read_site(self._client.shop()),)

    def sweep_seconds(self) -> float:
        """Return the pause between two list calls of this shop: all shops share our application's calls a day."""
        return limits.sweep_seconds(
            self._client.budget.daily, self._config.planned_shops, self._config.sweep_floor_seconds
        )

    def list_limit(self) -> tuple[float, int]:
        """Return (0, 0): the connector limits the list call by itself, with our application's one bucket."""
        return 0.0, 0

    def check(self) -> Sequence[Finding]:
        """Look at shop, scopes, vacation, currency, what Etsy lets us see of buyers, and webhooks (F9)."""
        return checks.look(self._client, self._config)
