"""The demo world's goods: what each demo store sells and what each demo seller lists on the marketplaces.

Plain data, built once per process and the same at every start: no clock and no chance is asked, so two sandboxes begin
alike. Prices are decimal strings in the store's currency (sellers: in the site's currency); quantities are units. The
caller must not change what it gets.
"""

from __future__ import annotations

from typing import Any

from connectors.sandbox.catalog_listings import FIRST_ORDERS, all_sellers
from connectors.sandbox.catalog_stores import all_stores

Row = dict[str, Any]


def stores(platform: str = "") -> list[Row]:
    """Return the demo stores, of one platform or all, the connected ones first; one without a merchant is not yet.

    Each: ``platform``, ``key`` (shop domain, store hash; Shopify's rows have it as ``shop`` too), ``merchant`` (slug or
    ""), ``name, email, owner, currency, plan, timezone, address``, ``locations`` (``name, active, online, address``) and
    ``products`` (``title, type, vendor, tags, status, visible, option_names, modifiers, variants``). A modifier has
    ``name, kind ("text"|"choice"), values, required``. A variant has ``sku, options, price, barcode, tracked,
    policy ("deny"|"continue"), requires_shipping, grams`` and ``stock``, the units per location in the order of
    ``locations``.
    """
    return [row for row in all_stores() if platform in ("", row["platform"])]


def sellers(platform: str = "amazon") -> list[Row]:
    """Return a marketplace's demo sellers: ``platform, key, name, merchant, region, sites, currency, weight, listings``.

    ``merchant`` is the demo's slug, "" for one who has not agreed to our app. ``currency`` is the first site's. Etsy has
    the one site ``ETSY``, in the shop's currency. ``weight`` is the share of the order stream. A listing has

    - ``sku`` (the seller's; "" where the seller gave none: eBay and Etsy), ``item_id`` and ``variation_id`` (the
      marketplace's own numbers; the rows of one listing with variations share ``item_id``, ``variation_id`` is "" for
      one without), ``asin`` (Amazon), ``title``, ``variation`` ({name: value}), ``barcode, grams``,
    - ``prices`` ({site: decimal string in the site's currency}), ``quantity`` (what is shown at the start),
      ``fulfilled_by`` ("merchant"|"marketplace"), ``digital``, ``personalization`` (Etsy: [{question, required}]),
    - ``store_sku`` (the store's SKU it stands for, "" when it exists nowhere) and ``kind``: ``plain``, ``scarce`` (one
      unit or none in the store), ``fba`` (Amazon only), ``title`` (no SKU or another one; title and variation are the
      store's), ``missing`` (exists nowhere in the store),
    - ``needs_options`` (the store sells it only with a choice the marketplace does not carry), ``hidden`` (not shown in
      the store).
    """
    return all_sellers(platform)


def seller(platform: str, key: str) -> Row | None:
    """Return one demo seller, None when the demo has none of this key."""
    return next((row for row in sellers(platform) if row["key"] == key), None)


def store_of(merchant: str) -> Row | None:
    """Return the store of a demo merchant; None for "" and unknown ones."""
    return next((row for row in stores() if merchant and row["merchant"] == merchant), None)


def first_orders() -> tuple[Row, ...]:
    """Return the orders a newcomer should meet in the order stream's starting set, beside ordinary ones.

    Each: ``platform``, seller ``key``, ``kind`` (a listing's kind, or ``personalized``, ``digital``), ``units`` of a line
    (1), ``lines`` (1), and ``body``: more of what `POST …/orders` takes.
    """
    return FIRST_ORDERS
