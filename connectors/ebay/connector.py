"""eBay as a marketplace: reads like a table of contents."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.contract.errors import AuthorizationExpired, ConnectorError, NotFound, RateLimited, Rejected
from connectors.contract.tokens import BudgetStore, TokenSource
from connectors.contract.types import Finding, MarketplaceOrder, Page, Site, Window
from connectors.ebay import checks, errors, limits, mapping, paging, subscriptions
from connectors.ebay import sites as ebay_sites
from connectors.ebay.client import Client
from connectors.ebay.config import PLATFORM, EbayConfig
from connectors.ratelimit import Limiter
from connectors.reading import count, text

logger = logging.getLogger(__name__)

LONGEST_BACK = timedelta(days=729)
"""eBay tells orders of the last two years, and refuses windows that begin earlier."""

STEPS_BACK = 5
"""How often one page is read of a list that does not come to rest; the last time from the list's start."""


class Ebay:
    """One seller account with all its sites; implements `Marketplace`, `PushesOrders` and `Checks`. Thread-safe; keep it.

    `key` is the seller's userId, `region` always "" (eBay has none), `tokens` gives this seller's access token.
    `budgets` counts the calls our whole application may make a day; without it nothing is counted.
    """

    platform = PLATFORM

    def __init__(
        self,
        key: str,
        region: str,
        tokens: TokenSource,
        limiter: Limiter,
        config: EbayConfig,
        *,
        budgets: BudgetStore | None = None,
    ) -> None:
        self.seller_key = key
        self.region = region
        self._config = config
        self._client = Client(seller_key=key, tokens=tokens, limiter=limiter, config=config, budgets=budgets)

    # ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def list_orders(self, window: Window, *, sites: Sequence[str] = ()) -> Page[MarketplaceOrder]:
        """Return one page (up to 200) of the orders changed in the window, or made in it (`by_creation`).

        `bound` is our upper bound, taken before reading and short of eBay's present by its own clock; all pages of a
        window have the same. `sites` leaves out orders neither listed nor bought there. Orders whose cancellation is in
        play are read one by one, a few a page, because the list tells nothing of it. A page token that is not ours
        raises `Rejected` with the code `page_token`.
        """
        _check_sites(sites)
        place = paging.of_token(window.page_token) if window.page_token else self._begin(window)
        if place is None:
            return Page(items=(), bound=window.after)
        try:
            raw, place = self._read_page(place)
        except Rejected as error:
            if error.code != errors.FUTURE_DATE or window.page_token:
                raise
            # The refusal itself told eBay's clock: ask once more with an earlier end.
            place = self._begin(window)
            if place is None:
                return Page(items=(), bound=window.after)
            raw, place = self._read_page(place)
        known = set(place.before)
        raws = [order for order in raw["orders"] if _id_of(order) not in known]
        mine = self._hydrated([order for order in raws if mapping.belongs(order, sites)], raw.get("warnings"))
        return Page(
            items=mapping.read_orders(mine, read_at=datetime.now(UTC)),
            next_token=self._next_token(place, raw),
            bound=place.bound,
        )

    def get_order(self, order_id: str, *, urgent: bool = False) -> MarketplaceOrder:
        """Return one order. Raises `NotFound`, also for the id an order had before it was paid.

        `urgent` (a person waits) may use the part of the day's calls that is kept back for that.
        """
        raw = self._with_parcels(self._client.order(order_id, urgent=urgent), urgent=urgent)
        return mapping.read_order(raw, read_at=datetime.now(UTC))

    def sites(self) -> Sequence[Site]:
        """Return all eBay sites: every seller may sell on each. Reads nothing."""
        return ebay_sites.all_sites()

    def sweep_seconds(self) -> float:
        """Return the pause between two list calls.

        eBay limits our whole application by the day, so it is what the sellers we plan for may do together with the
        part of the limit in force that is meant for sweeps.
        """
        daily = self._client.budget.daily(limits.FULFILLMENT) * limits.LIST_SHARE
        return max(limits.DAY_SECONDS * self._config.planned_sellers / daily, self._config.sweep_floor_seconds)

    def list_limit(self) -> tuple[float, int]:
        """Return (0, 0): the connector keeps the limit of the list call itself, in the application's daily budget."""
        return 0.0, 0

    # ── notifications and checks ─────────────────────────────────────────────────────────────────────────────────────

    def subscribe(self, destination: str) -> str:
        """Make sure ORDER_CONFIRMATION of this seller goes to our address `destination`; return the subscription's id.

        Makes what our application needs once for all sellers on the way: its notification settings, the destination
        (eBay asks the address its challenge meanwhile), account deletion and revoked permissions. Harmless to repeat.
        Raises `AccessDenied` when eBay does not offer the topic to this application or seller.
        """
        return subscriptions.subscribe(self._client, self._config, destination)

    def unsubscribe(self, subscription_id: str) -> None:
        """End the subscription; one that is gone already is fine."""
        try:
            self._client.delete_subscription(subscription_id)
        except NotFound:
            return

    def check(self) -> Sequence[Finding]:
        """Look at what must be right for the connection to work (F9). Raises `ConnectorError` when nothing can be read."""
        return checks.look(self._client, self.seller_key)

    # ── reading pages ────────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, window: Window) -> paging.Place | None:
        """Return the first page's place, or None when the window lies in eBay's future."""
        ahead = min(self._client.clock_offset, timedelta(0)) - timedelta(seconds=self._config.clock_margin_seconds)
        now = datetime.now(UTC)
        until = now + ahead if window.before is None else min(window.before, now + ahead)
        since = max(window.after, now - LONGEST_BACK)
        if since >= until:
            return None
        return paging.first("creationdate" if window.by_creation else "lastmodifieddate", since, until)

    def _read_page(self, place: paging.Place) -> tuple[dict[str, Any], paging.Place]:
        """Return a page that follows what was read before without a gap, and the place it was read at."""
        for step in range(1, STEPS_BACK + 1):
            raw = self._client.orders(filter=place.filter, limit=self._config.page_size, offset=place.offset)
            total = count(raw.get("total"))
            if total is None or place.covers(total):
                break
            # More orders left the window than the overlap covers. The last time it is read from its start, before which
            # nothing can be missed: to go on with a gap would lose an order for good.
            ahead = max(0, place.end - (place.total - total))
            place = replace(place, offset=0 if step == STEPS_BACK - 1 else ahead)
        return raw, place

    def _next_token(self, place: paging.Place, raw: dict[str, Any]) -> str:
        """Return the token of the page after this one, which begins some orders earlier; empty on the last."""
        orders, size = raw["orders"], self._config.page_size
        following, total = bool(raw.get("next")), count(raw.get("total")) or 0
        whole = len(orders) >= size
        end = place.offset + (len(orders) if whole or not following else size)
        # A short page is the last, unless eBay says otherwise: its total may count orders that it does not show.
        if not following and not (whole and end < total):
            return ""
        overlap = max(0, min(self._config.page_overlap, len(orders) - 1))
        before = tuple(filter(None, (_id_of(order) for order in orders[len(orders) - overlap :])))
        return replace(place, offset=end - overlap, end=end, total=total, before=before).token()

    def _hydrated(self, raws: list[Any], warnings: Any) -> list[Any]:
        """Return the orders with what the list leaves out of some, read one by one, and with eBay's warnings kept."""
        left = self._config.hydrated_per_page
        found = []
        for raw in raws:
            whole = raw
            if left > 0 and _id_of(raw):
                wants_whole, wants_parcels = mapping.wants_whole(raw), mapping.wants_parcels(raw)
                left -= wants_whole + wants_parcels
                try:
                    whole = self._whole(raw) if wants_whole else raw
                    whole = self._with_parcels(whole)
                except RateLimited as error:
                    logger.info("orders stay as listed", extra={"platform": PLATFORM, "seconds": error.retry_after})
                    left = 0
            found.append({**whole, "warnings": warnings} if warnings and isinstance(whole, dict) else whole)
        return found

    def _whole(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Return the order by getOrder; as listed when that read fails, for all we act on stands in the list too."""
        try:
            return self._client.order(_id_of(raw))
        except (AuthorizationExpired, RateLimited):
            raise
        except ConnectorError as error:
            logger.info("an order stays as listed", extra={"platform": PLATFORM, "cause": type(error).__name__})
            return raw

    def _with_parcels(self, raw: dict[str, Any], *, urgent: bool = False) -> dict[str, Any]:
        """Return an order shipped in part with its parcels; without them when that read fails."""
        if not mapping.wants_parcels(raw):
            return raw
        try:
            parcels = self._client.shipping_fulfillments(_id_of(raw), urgent=urgent)
            return {**raw, mapping.PARCELS: parcels}
        except (AuthorizationExpired, RateLimited):
            raise
        except ConnectorError as error:
            logger.info("an order stays without parcels", extra={"platform": PLATFORM, "cause": type(error).__name__})
            return raw


def _id_of(raw: Any) -> str:
    """Return an order's id; empty for what has none."""
    return text(raw, "orderId") if isinstance(raw, dict) else ""


def _check_sites(codes: Sequence[str]) -> None:
    unknown = [code for code in codes if code.upper() not in ebay_sites.BY_CODE]
    if unknown:
        raise Rejected(
            f"eBay has no site called {', '.join(unknown)}", code="site", fields=("sites",), platform=PLATFORM
        )
