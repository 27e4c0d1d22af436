"""Amazon as a marketplace: reads like a table of contents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.amazon import checks, limits, mapping, sites
from connectors.amazon.auth import AmazonAuth, AppTokens
from connectors.amazon.client import Client
from connectors.amazon.config import AmazonConfig
from connectors.contract.errors import NotFound, Rejected, TransientError
from connectors.contract.tokens import TokenSource
from connectors.contract.types import Finding, MarketplaceOrder, Page, Site, Window
from connectors.ratelimit import Limiter


class Amazon:
    """One seller account in one region; implements `Marketplace` and `PushesOrders`. Thread-safe; keep it.

    `region` is na, eu or fe; `tokens` gives this seller's access token.
    """

    platform = "amazon"

    def __init__(
        self, seller_key: str, region: str, tokens: TokenSource, limiter: Limiter, config: AmazonConfig
    ) -> None:
        self.seller_key = seller_key
        self.region = region
        self._config = config
        self._client = Client(
            seller_key=seller_key,
            region=region,
            tokens=tokens,
            app_tokens=AppTokens.shared(AmazonAuth(config)),
            limiter=limiter,
            config=config,
        )

    def list_orders(self, window: Window, *, sites: Sequence[str] = ()) -> Page[MarketplaceOrder]:
        """Return one page (up to 100) of the orders in the window, oldest change first within the page.

        `bound` is Amazon's own echoed upper bound. Every page of one window must be asked with the same window and
        sites. Takes nothing from the limiter: at one call in three minutes the limit is the job row's, by `gcra` with
        `rate_in_force("searchOrders")`. A refused page token raises `Rejected` with the code `page_token`.
        """
        family = "created" if window.by_creation else "lastUpdated"
        times = {f"{family}After": mapping.iso(window.after)}
        if window.before is not None:
            times[f"{family}Before"] = mapping.iso(window.before)
        raw = self._client.search_orders(
            times=times, marketplace_ids=_ids(sites, self.platform), page_token=window.page_token
        )
        next_token = mapping.next_token(raw)
        if next_token and next_token == window.page_token:
            raise TransientError(
                "Amazon gave the same page token twice", platform=self.platform, operation="searchOrders"
            )
        return Page(
            items=mapping.read_orders(raw["orders"], read_at=datetime.now(UTC)),
            next_token=next_token,
            bound=mapping.bound(raw, family),
        )

    def get_order(self, order_id: str, *, urgent: bool = False) -> MarketplaceOrder:
        """Return one order. `urgent` (a person waits) may take the five tokens kept for that. Raises `NotFound`."""
        raw = self._client.get_order(order_id, urgent=urgent)
        return mapping.read_order(raw, read_at=datetime.now(UTC))

    def sites(self) -> Sequence[Site]:
        """Return the sites this seller takes part in. At most one call a minute: keep the answer."""
        return mapping.read_sites(self._client.marketplace_participations())

    def check(self) -> Sequence[Finding]:
        """Look at the selling plan and the clock (F9). At most one call a minute."""
        return checks.look(self._client)

    def rate_in_force(self, operation: str) -> float:
        """Return calls a second of an operation (searchOrders): learnt from Amazon's header, at first the published."""
        return self._client.rate_in_force(operation)

    def list_limit(self) -> tuple[float, int]:
        """Return (calls a second, burst) of the list call, for the job row that keeps this limit."""
        return self.rate_in_force("searchOrders"), limits.RATES["searchOrders"].burst

    def sweep_seconds(self) -> float:
        """Return the pause between two list calls: what the rate in force allows, and never below the floor."""
        return max(1.0 / self.rate_in_force("searchOrders"), self._config.sweep_floor_seconds)

    def subscribe(self, destination: str) -> str:
        """Make sure ORDER_CHANGE goes to the SQS queue with this ARN; return the subscription's id. Repeatable."""
        destination_id = self._destination_id(destination)
        try:
            known = self._client.subscription()
        except NotFound:
            known = {}
        subscription_id = str(known.get("subscriptionId") or "")
        if subscription_id and known.get("destinationId") == destination_id:
            return subscription_id
        if subscription_id:
            self.unsubscribe(subscription_id)
        return self._client.create_subscription(destination_id)

    def unsubscribe(self, subscription_id: str) -> None:
        """End the subscription; one that is gone already is fine."""
        try:
            self._client.delete_subscription(subscription_id)
        except NotFound:
            return

    def _destination_id(self, arn: str) -> str:
        found = self._find_destination(arn)
        if found:
            return found
        try:
            return self._client.create_destination(name=self._config.destination_name, arn=arn)
        except Rejected as error:
            # 409: another worker made it between our look and our call.
            found = self._find_destination(arn) if error.status == 409 else ""
            if not found:
                raise
            return found

    def _find_destination(self, arn: str) -> str:
        for destination in self._client.destinations():
            resource: Any = destination.get("resource") or {}
            if (resource.get("sqs") or {}).get("arn") == arn:
                return str(destination.get("destinationId") or "")
        return ""


def _ids(codes: Sequence[str], platform: str) -> list[str]:
    try:
        return sites.marketplace_ids(list(codes))
    except LookupError as error:
        raise Rejected(str(error), code="site", fields=("sites",), platform=platform) from error
