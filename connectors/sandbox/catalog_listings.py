"""The demo sellers and what they list on Amazon, eBay and Etsy (``catalog.sellers``)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from connectors.sandbox.catalog_lumen import ENGRAVED
from connectors.sandbox.catalog_stores import all_stores, spread

Row = dict[str, Any]

_CURRENCY = {"US": "USD", "CA": "CAD", "UK": "GBP", "DE": "EUR"}
_RATE = {"USD": Decimal(1), "CAD": Decimal("1.37"), "GBP": Decimal("0.79"), "EUR": Decimal("0.92")}
"""Units of a currency for one US dollar, about: only for made-up prices."""
_ENDING = {"CAD": Decimal("0.50"), "GBP": Decimal("0.01"), "EUR": Decimal("0.10")}
"""Sellers end their prices below a whole unit; in dollars the store's price stands."""


@dataclass(frozen=True)
class _Extra:
    """A listing whose SKU is not the store's: its title and variation are, or nothing is (``kind`` missing)."""

    sku: str
    title: str
    usd: str
    store_sku: str = ""
    variation: dict[str, str] = field(default_factory=dict)
    barcode_of: str = ""
    digital: bool = False

    @property
    def kind(self) -> str:
        return "title" if self.store_sku else "missing"


@dataclass(frozen=True)
class _Seller:
    """One demo seller before the listings are spelled out.

    ``store`` is the key of the store whose goods are listed: all variants of every ``every``-th product, under ``brand``.
    ``weight`` is the seller's share of the order stream.
    ``leave_out`` are beginnings of SKUs, ``fba`` SKUs the marketplace ships, ``no_sku`` beginnings of store SKUs the
    seller lists without a SKU.
    """

    platform: str
    key: str
    name: str
    merchant: str
    store: str
    sites: tuple[str, ...]
    region: str = ""
    currency: str = ""
    brand: str = ""
    every: int = 1
    weight: int = 0
    leave_out: tuple[str, ...] = ()
    fba: tuple[str, ...] = ()
    no_sku: tuple[str, ...] = ()
    digital: bool = False
    asks: dict[str, tuple[str, bool]] = field(default_factory=dict)
    extra: tuple[_Extra, ...] = ()


_NORTHPINE, _HARBOUR = "northpine-supply.myshopify.com", "harbour-and-kiln.myshopify.com"
_LUMEN, _FIELDNOTES, _PRESS = "lmnloom7k2", "fieldnotes-goods.myshopify.com", "fldnote3x9"

_AMAZON = (
    _Seller(
        "amazon",
        "A1NORTHPINEUS",
        "Northpine US",
        "northpine",
        _NORTHPINE,
        ("US",),
        region="na",
        weight=6,
        brand="Northpine",
        leave_out=("NP-TEE-",),
        fba=(
            "NP-HDL-300-GRN", "NP-SPK-TI", "NP-WHS-1", "NP-BUG-1", "NP-CMP-1", "NP-FST-1", "NP-EMG-350-CRM", "NP-DRY-5",
        ),
        extra=(
            _Extra("TSHIRT-AMZ-XL", "T-Shirt: Size XL", "24.00", "NP-TEE-XL"),
            _Extra("TSHIRT-AMZ-L", "T-Shirt", "24.00", "NP-TEE-L", {"Size": "L"}),
            _Extra("STV-TI-2-CA", "Titan Camp Stove 2, Canada edition", "74.00", barcode_of="NP-STV-TI-2"),
        ),
    ),
    _Seller(
        "amazon",
        "A2NORTHPINEUK",
        "Northpine UK",
        "northpine",
        _NORTHPINE,
        ("UK",),
        region="eu",
        weight=2,
        brand="Northpine",
        every=2,
        fba=("NP-EMG-350-SPR", "NP-WHS-1", "NP-NTB-INK"),
        extra=(_Extra("NPUK-TEE-M", "T-Shirt: Size M", "24.00", "NP-TEE-M"),),
    ),
    _Seller(
        "amazon",
        "A3NORTHPINEOUT",
        "Northpine Outlet",
        "northpine",
        _NORTHPINE,
        ("US", "CA"),
        region="na",
        weight=2,
        brand="Northpine Outlet",
        every=3,
        extra=(
            _Extra("OUT-TEE-S-2", "T-Shirt: Size S", "19.00", "NP-TEE-S"),
            _Extra("OUT-PACK-22-B", "Daypack 22 Blemished", "49.00"),
        ),
    ),
    _Seller(
        "amazon",
        "A4HARBOURKILN",
        "Harbour & Kiln",
        "harbour",
        _HARBOUR,
        ("US",),
        region="na",
        weight=2,
        brand="Harbour & Kiln",
    ),
    _Seller(
        "amazon",
        "A5LUMENLOOM",
        "Lumen & Loom US",
        "lumen",
        _LUMEN,
        ("US",),
        region="na",
        weight=3,
        brand="Lumen & Loom",
        every=2,
        leave_out=("LL-TTW-",),
        fba=("LL-CDL-8-FIG", "LL-TEA-12", "LL-BLB"),
        extra=(
            _Extra("LLAMZ-TTW-CLAY", "Waffle Tea Towel: Color Clay", "18.00", "LL-TTW-CLY"),
            _Extra("LL-AUT-CANDLE-23", "Autumn Candle 2023", "24.00"),
        ),
    ),
)  # fmt: skip

_EBAY = (
    _Seller(
        "ebay",
        "EBLUMEN5Q",
        "Lumen & Loom eBay",
        "lumen",
        _LUMEN,
        ("US", "UK"),
        weight=4,
        brand="Lumen & Loom",
        no_sku=("LL-SNF", "LL-MTC-", "LL-LMP-CLP"),
        leave_out=("LL-THR-",),
        extra=(
            _Extra("EB-THROW-1", "Wool Throw", "128.00", "LL-THR-OAT", {"Color": "Oat"}),
            _Extra("EB-THROW-2", "Wool Throw", "128.00", "LL-THR-MOS", {"Color": "Moss"}),
            _Extra("", "Vintage Brass Desk Lamp, one of a kind", "75.00"),
            _Extra("LL-BUNDLE-TAPER", "Taper Holder with two Beeswax Tapers", "38.00"),
        ),
    ),
    _Seller(
        "ebay",
        "EBHARBOUR7",
        "Harbour eBay",
        "harbour",
        _HARBOUR,
        ("US", "DE"),
        weight=2,
        brand="Harbour & Kiln",
        no_sku=("HK-SPN", "HK-LIN-"),
        extra=(_Extra("HK-SECONDS-BOX", "Box of six kiln seconds", "60.00"),),
    ),
    _Seller("ebay", "EBNEWCOMER9", "Fieldnotes eBay", "", _FIELDNOTES, ("US",), brand="Fieldnotes"),
)

_ETSY = (
    _Seller(
        "etsy",
        "51230077",
        "LumenAndLoom",
        "lumen",
        _LUMEN,
        ("ETSY",),
        weight=4,
        currency="EUR",
        no_sku=("LL-WHG", "LL-TOT-"),
        digital=True,
        asks={
            ENGRAVED: ("Text to engrave, up to 24 characters", True),
            "LL-TOT-": ("Initials to stitch inside", False),
        },
        extra=(_Extra("ETSY-CUSTOM-SHADE", "Lamp shade made to order", "85.00"),),
    ),
    _Seller(
        "etsy",
        "48210055",
        "HarbourAndKiln",
        "harbour",
        _HARBOUR,
        ("ETSY",),
        weight=2,
        currency="USD",
        no_sku=("HK-VAS-",),
        asks={"HK-MUG-": ("Initials under the handle, up to 3", False)},
        extra=(_Extra("HK-GLAZE-PDF", "Glaze Recipes of the Harbour, PDF", "14.00", digital=True),),
    ),
    _Seller("etsy", "60990012", "FieldnotesPaper", "", _FIELDNOTES, ("ETSY",), currency="GBP"),
)

_SELLERS = {"amazon": _AMAZON, "ebay": _EBAY, "etsy": _ETSY}

FIRST_ORDERS: tuple[Row, ...] = (
    # More units than the store has, and a product it does not know: both are held in a Shopify store.
    {"platform": "amazon", "key": "A1NORTHPINEUS", "kind": "scarce", "units": 2},
    {"platform": "amazon", "key": "A1NORTHPINEUS", "kind": "missing"},
    # A BigCommerce store takes an unknown product as a line of its own.
    {"platform": "ebay", "key": "EBLUMEN5Q", "kind": "missing"},
    {
        "platform": "ebay",
        "key": "EBLUMEN5Q",
        "kind": "plain",
        "lines": 2,
        "body": {"combined": True, "note": "Please leave it with the neighbor at number 12."},
    },
    # Paid by the order stream after a while, under another order id then.
    {"platform": "ebay", "key": "EBLUMEN5Q", "kind": "plain", "body": {"status": "pending"}},
    {"platform": "etsy", "key": "51230077", "kind": "plain", "body": {"buyer": {"address": None}}},
    {"platform": "etsy", "key": "51230077", "kind": "personalized"},
    {"platform": "etsy", "key": "51230077", "kind": "digital"},
)
"""See ``catalog.first_orders``."""


def _store(key: str) -> Row:
    return next(row for row in all_stores() if row["key"] == key)


def _number(text: str, digits: int, first: str) -> str:
    """A made-up number of so many digits, the same for the same text at every start."""
    value = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    return first + f"{value % 10 ** (digits - len(first)):0{digits - len(first)}d}"


def _asin(sku: str) -> str:
    """A made-up ten-character catalog id: B0 and eight letters or digits, fixed for a SKU whoever sells it."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
    digest = hashlib.sha256(f"asin:{sku}".encode()).digest()
    return "B0" + "".join(alphabet[b % len(alphabet)] for b in digest[:8])


def _ids(seller: _Seller, listing: str, sku: str, has_variations: bool) -> Row:
    """The marketplace's own numbers of a listing: an ASIN a SKU; eBay and Etsy one number a product, one a variation."""
    if seller.platform == "amazon":
        asin = _asin(sku)
        return {"asin": asin, "item_id": asin, "variation_id": ""}
    digits, first, below = (12, "1", 12) if seller.platform == "ebay" else (10, "1", 11)
    item_id = _number(f"{seller.key}:{listing}", digits, first)
    variation = _number(f"{seller.key}:{listing}:{sku}", below, "5") if has_variations else ""
    return {"item_id": item_id, "variation_id": variation}


def _currency(seller: _Seller, site: str) -> str:
    return seller.currency or _CURRENCY[site]


def _prices(seller: _Seller, usd: str) -> dict[str, str]:
    """The store's price carried into each site's currency and ended as sellers there do."""
    prices = {}
    for site in seller.sites:
        currency = _currency(seller, site)
        raw = Decimal(usd) * _RATE[currency]
        whole = max(raw.quantize(Decimal(1), rounding=ROUND_HALF_UP), Decimal(1))
        ending = _ENDING.get(currency)
        prices[site] = str(raw.quantize(Decimal("0.01")) if ending is None else whole - ending)
    return prices


def _asked(seller: _Seller, sku: str) -> list[Row]:
    return [
        {"question": question, "required": required}
        for start, (question, required) in seller.asks.items()
        if sku.startswith(start)
    ]


def _listing(seller: _Seller, product: Row, variant: Row) -> Row:
    """A listing of a variant of the store."""
    sku, total = variant["sku"], sum(variant["stock"])
    fba, nameless = sku in seller.fba, sku.startswith(seller.no_sku or ("\0",))
    scarce = variant["tracked"] and total <= 1
    # Without a SKU only the title tells which variant is meant, so it is the store's own.
    title = product["title"] if nameless or not seller.brand else f"{seller.brand} {product['title']}"
    if seller.platform == "amazon":
        title = ", ".join([title, *variant["options"].values()])
    return {
        "sku": "" if nameless else sku,
        **_ids(seller, product["variants"][0]["sku"], sku, bool(variant["options"])),
        "title": title,
        "variation": dict(variant["options"]),
        "prices": _prices(seller, variant["price"]),
        "barcode": variant["barcode"],
        "quantity": spread(sku, "fba", 12, 80) if fba else (total if variant["tracked"] else 99),
        "fulfilled_by": "marketplace" if fba else "merchant",
        "digital": not variant["requires_shipping"],
        "personalization": _asked(seller, sku),
        "store_sku": sku,
        "kind": "fba" if fba else "scarce" if scarce else "title" if nameless else "plain",
        "needs_options": any(modifier["required"] for modifier in product["modifiers"]),
        "hidden": not product["visible"],
        "grams": variant["grams"],
    }


def _extra_listing(seller: _Seller, extra: _Extra, barcodes: dict[str, str]) -> Row:
    return {
        "sku": extra.sku,
        **_ids(seller, f"{extra.title}", extra.sku or extra.title, bool(extra.variation)),
        "title": extra.title,
        "variation": dict(extra.variation),
        "prices": _prices(seller, extra.usd),
        "barcode": barcodes.get(extra.barcode_of, ""),
        "quantity": 9,
        "fulfilled_by": "merchant",
        "digital": extra.digital,
        "personalization": [],
        "store_sku": extra.store_sku,
        "kind": extra.kind,
        "needs_options": False,
        "hidden": False,
        "grams": 200,
    }


def _listings(seller: _Seller) -> list[Row]:
    """List the store's active products that are shipped (or are files, where the seller sells files)."""
    products = _store(seller.store)["products"]
    sold = [
        product
        for product in products
        if product["status"] == "active"
        and (product["variants"][0]["requires_shipping"] or (seller.digital and not product["variants"][0]["tracked"]))
    ]
    seen: set[str] = set()
    rows = []
    for place, product in enumerate(sold):
        for variant in product["variants"]:
            sku = variant["sku"]
            left_out = seller.leave_out and sku.startswith(seller.leave_out)
            if sku in seen or left_out or (place % seller.every and sku not in seller.fba):
                continue
            seen.add(sku)
            rows.append(_listing(seller, product, variant))
    barcodes = {variant["sku"]: variant["barcode"] for product in products for variant in product["variants"]}
    return rows + [_extra_listing(seller, extra, barcodes) for extra in seller.extra]


@cache
def all_sellers(platform: str) -> list[Row]:
    """Return a marketplace's demo sellers; see ``catalog.sellers``. Empty for an unknown marketplace."""
    return [
        {
            "platform": platform,
            "key": seller.key,
            "name": seller.name,
            "merchant": seller.merchant,
            "region": seller.region,
            "sites": list(seller.sites),
            "currency": _currency(seller, seller.sites[0]),
            "weight": seller.weight,
            "listings": _listings(seller),
        }
        for seller in _SELLERS.get(platform, ())
    ]
