"""The check after connecting (F9): what must be right at Etsy, and what Etsy will not give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors import checks
from connectors.contract.errors import AccessDenied, AuthorizationExpired, ConnectorError, Rejected
from connectors.contract.types import Finding, Withheld
from connectors.etsy import mapping
from connectors.etsy.client import Client
from connectors.etsy.config import EtsyConfig
from connectors.etsy.reading import text

RECENT = 5
"""Paid receipts looked at to learn what Etsy shows of buyers."""


def look(client: Client, config: EtsyConfig) -> list[Finding]:
    """Return the findings. Raises `ConnectorError` when the shop itself cannot be read."""
    shop = client.shop()
    return [
        *_shop(shop),
        _scopes(client, config),
        *_buyers(client),
        _webhooks(config),
        checks.clock("Etsy", client.clock_offset),
    ]


def _shop(shop: Mapping[str, Any]) -> list[Finding]:
    name = text(shop, "shop_name") or "The shop"
    found = [Finding("shop", True, f"{name} answers at Etsy.")]
    if shop.get("is_vacation") is True:
        found.append(
            Finding(
                "vacation",
                False,
                f"{name} is on vacation at Etsy: buyers cannot order there.",
                "Switch vacation mode off in Etsy's Shop Manager under Settings when you sell again.",
            )
        )
    else:
        found.append(Finding("vacation", True, f"{name} takes orders."))
    currency = text(shop, "currency_code").upper()
    if currency:
        found.append(
            Finding("currency", True, f"Orders come in {currency}, the shop's currency, wherever the buyer is.")
        )
    else:
        found.append(Finding("currency", None, "Etsy did not tell the shop's currency."))
    return found


def _scopes(client: Client, config: EtsyConfig) -> Finding:
    try:
        granted = client.token_scopes()
    except (AuthorizationExpired, AccessDenied):
        raise
    except ConnectorError as error:
        return checks.not_now("scopes", error.message)
    missing = [scope for scope in config.scopes if scope not in granted]
    if missing:
        return Finding(
            "scopes",
            False,
            f"Etsy has not granted everything we need: {', '.join(missing)}.",
            "Reconnect the shop and agree to all that Etsy's page lists.",
        )
    return Finding("scopes", True, "Everything we need is granted: orders, listings and the shop.")


def _buyers(client: Client) -> list[Finding]:
    """Learn from the newest paid receipts what Etsy shows of buyers; it tells so nowhere else."""
    try:
        page = client.receipts({"was_paid": "true", "sort_on": "created", "sort_order": "desc", "limit": RECENT})
    except Rejected as error:
        words = f"Orders cannot be read: {error.message}"
        return [Finding("orders", False, words, "Reconnect the shop as its owner and agree to the orders' permission.")]
    except ConnectorError as error:
        return [checks.not_now("orders", error.message)]
    orders = mapping.read_orders(page["results"], read_at=datetime.now(UTC))
    found = [Finding("orders", True, "Orders can be read.")]
    if not orders:
        return [*found, Finding("address", None, "There is no paid order yet that shows whether Etsy gives addresses.")]
    if all(Withheld.ADDRESS in order.withheld for order in orders):
        found.append(
            Finding(
                "address",
                False,
                "Etsy does not give buyers' addresses to this app for your shop. Orders are still imported, without them.",
                "Copy the address from the order's page at Etsy, or buy the label there; choose in the account's settings "
                "what happens with orders without an address.",
            )
        )
    else:
        found.append(Finding("address", True, "Etsy gives buyers' addresses."))
    if all(Withheld.EMAIL in order.withheld for order in orders):
        words = (
            "Etsy does not give buyers' e-mail addresses, as to most apps: the e-mail rule you chose is used instead."
        )
        found.append(Finding("email", True, words))
    else:
        found.append(Finding("email", True, "Etsy gives buyers' e-mail addresses."))
    return found


def _webhooks(config: EtsyConfig) -> Finding:
    if config.webhook_secret:
        return Finding("webhooks", True, "Etsy may tell us of new orders at once; the regular sweep finds the others.")
    return Finding("webhooks", None, "Etsy does not tell us of new orders; the regular sweep finds them.")
