"""The look after connecting (F9): what must be right at Shopify besides what every store is asked for."""

from __future__ import annotations

from connectors import checks
from connectors.contract.types import Finding
from connectors.shopify import documents, mapping
from connectors.shopify.client import Client
from connectors.shopify.config import ShopifyConfig
from connectors.shopify.setup import lacking


def look(client: Client, config: ShopifyConfig) -> list[Finding]:
    """Return the findings. Raises `ConnectorError` when the shop itself cannot be read."""
    info = mapping.store_info(client.run(documents.SHOP_INFO), client.shop)
    return [_rights(lacking(config, info)), checks.clock("Shopify", client.clock_offset)]


def _rights(missing: list[str]) -> Finding:
    if not missing:
        return Finding("scopes", True, "Everything we need is granted: orders, products, stock and shipping.")
    return Finding(
        "scopes", False, f"The store has not granted: {', '.join(missing)}.",
        "Open the app in your store and agree to the permissions it asks for.",
    )  # fmt: skip
