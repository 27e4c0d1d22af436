"""What the platforms are called, for sentences and pages of the apps above. No connector is opened by asking."""

from __future__ import annotations

from connectors import registry

LABELS: dict[str, str] = {line.name: line.label for line in registry.PLATFORMS.values()}
MARKETPLACES: dict[str, str] = {line.name: line.label for line in registry.marketplaces()}
STOREFRONTS: dict[str, str] = {line.name: line.label for line in registry.storefronts()}
ORDER_PAGES: dict[str, str] = {line.name: line.order_pages or line.label for line in registry.marketplaces()}
"""Where a marketplace's sellers look at an order: Seller Central, eBay."""
STOCK_RULES: dict[str, str] = {line.name: line.stock_rule for line in registry.storefronts()}
"""What to know of a store that takes no order beyond its stock, "" of one that does."""
MARKS: dict[str, str] = {line.name: line.mark for line in registry.PLATFORMS.values()}
"""The two letters of the badge."""
