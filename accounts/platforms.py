"""What the platforms are called, for sentences and pages of the apps above. No connector is opened by asking."""

from __future__ import annotations

from connectors import registry

LABELS: dict[str, str] = {line.name: line.label for line in registry.PLATFORMS.values()}
MARKETPLACES: dict[str, str] = {line.name: line.label for line in registry.marketplaces()}
STOREFRONTS: dict[str, str] = {line.name: line.label for line in registry.storefronts()}
WITH_SITES = frozenset(line.name for line in registry.marketplaces() if line.sites)
"""The marketplaces that have sites; elsewhere an account is one shop, and its one site says nothing more."""
ORDER_PAGES: dict[str, str] = {line.name: line.order_pages or line.label for line in registry.marketplaces()}
"""Where a marketplace's sellers look at an order: Seller Central, eBay."""
STOCK_RULES: dict[str, str] = {line.name: line.stock_rule for line in registry.storefronts()}
"""What to know of a store that takes no order beyond its stock, "" of one that does."""
SHORT_TEXTS: dict[str, str] = {line.name: line.short_text for line in registry.storefronts() if line.short_text}
"""How a store says that units are missing, where that is not the usual sentence."""
HINTS: dict[str, str] = {line.name: line.hint for line in registry.marketplaces() if line.hint}
"""What to know before agreeing."""
EXAMPLES: dict[str, tuple[str, str]] = {line.name: line.example for line in registry.marketplaces()}
"""A buyer's e-mail address and an order id, as the marketplace writes them."""
SHIPPING_WORDS: dict[str, tuple[str, str]] = {
    line.name: (line.our_word, line.their_word) for line in registry.marketplaces() if line.their_word
}
"""Marketplace → its sellers' own words for an order they ship and for one it ships: FBM and FBA."""
FIRST_MARKETPLACE, FIRST_STOREFRONT = next(iter(MARKETPLACES)), next(iter(STOREFRONTS))
"""Whose words stand where none is known yet."""
MARKS: dict[str, str] = {line.name: line.mark for line in registry.PLATFORMS.values()}
"""The two letters of the badge."""
