"""The demo stores: who they are, where their goods lie, and what they sell (``catalog.stores``)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from connectors.sandbox.catalog_goods import HARBOUR, NEWCOMER, NORTHPINE, Goods
from connectors.sandbox.catalog_lumen import LUMEN


@dataclass
class _Shop:
    """One demo store before its products are spelled out."""

    platform: str
    merchant: str
    key: str
    name: str
    prefix: str
    email: str
    owner: str
    plan: str
    timezone: str
    address: dict[str, str]
    locations: list[dict[str, Any]]
    goods: list[Goods] = field(default_factory=list)
    barcode_base: int = 0


def _location(name: str, address1: str, city: str, province: str, zip_code: str) -> dict[str, Any]:
    return {
        "name": name,
        "active": True,
        "online": True,
        "address": {"address1": address1, "city": city, "provinceCode": province, "countryCode": "US", "zip": zip_code},
    }


_SHOPS = [
    _Shop(
        platform="shopify",
        merchant="northpine",
        key="northpine-supply.myshopify.com",
        name="Northpine Supply",
        prefix="NP",
        email="hello@northpine-supply.example",
        owner="Wren Halloran",
        plan="standard",
        timezone="America/Los_Angeles",
        address={
            "address1": "1420 NW Kearney St",
            "city": "Portland",
            "provinceCode": "OR",
            "countryCode": "US",
            "zip": "97209",
            "phone": "+15035550142",
        },
        locations=[
            _location("Portland Warehouse", "1420 NW Kearney St", "Portland", "OR", "97209"),
            _location("Reno Outlet", "85 Keystone Ave", "Reno", "NV", "89503"),
        ],
        goods=NORTHPINE,
        barcode_base=86000412000,
    ),
    _Shop(
        platform="shopify",
        merchant="harbour",
        key="harbour-and-kiln.myshopify.com",
        name="Harbour & Kiln",
        prefix="HK",
        email="studio@harbour-and-kiln.example",
        owner="Idris Penhale",
        plan="standard",
        timezone="America/New_York",
        address={
            "address1": "9 Commercial Wharf",
            "city": "Portland",
            "provinceCode": "ME",
            "countryCode": "US",
            "zip": "04101",
            "phone": "+12075550117",
        },
        locations=[_location("Wharf Studio", "9 Commercial Wharf", "Portland", "ME", "04101")],
        goods=HARBOUR,
        barcode_base=85001733000,
    ),
    _Shop(
        platform="bigcommerce",
        merchant="lumen",
        key="lmnloom7k2",
        name="Lumen & Loom",
        prefix="LL",
        email="hello@lumen-and-loom.example",
        owner="Tamsin Okafor",
        plan="plus",
        timezone="America/New_York",
        address={
            "address1": "64 Haywood Rd",
            "city": "Asheville",
            "provinceCode": "NC",
            "countryCode": "US",
            "zip": "28806",
            "phone": "+18285550136",
        },
        locations=[
            _location("Asheville Workshop", "64 Haywood Rd", "Asheville", "NC", "28806"),
            _location("Durham Store", "310 Foster St", "Durham", "NC", "27701"),
        ],
        goods=LUMEN,
        barcode_base=86200518000,
    ),
    _Shop(
        platform="shopify",
        merchant="",
        key="fieldnotes-goods.myshopify.com",
        name="Fieldnotes Goods",
        prefix="FN",
        email="owner@fieldnotes-goods.example",
        owner="Mara Quill",
        plan="plus",
        timezone="America/Chicago",
        address={
            "address1": "210 Larch Ave",
            "city": "Madison",
            "provinceCode": "WI",
            "countryCode": "US",
            "zip": "53703",
            "phone": "+16085550188",
        },
        locations=[_location("Larch Avenue", "210 Larch Ave", "Madison", "WI", "53703")],
        goods=NEWCOMER,
        barcode_base=85100950000,
    ),
    _Shop(
        platform="bigcommerce",
        merchant="",
        key="fldnote3x9",
        name="Fieldnotes Press",
        prefix="FP",
        email="owner@fieldnotes-press.example",
        owner="Jonah Quill",
        plan="standard",
        timezone="America/Chicago",
        address={
            "address1": "18 Willy St",
            "city": "Madison",
            "provinceCode": "WI",
            "countryCode": "US",
            "zip": "53703",
            "phone": "+16085550191",
        },
        locations=[_location("Willy Street", "18 Willy St", "Madison", "WI", "53703")],
        goods=NEWCOMER,
        barcode_base=85200960000,
    ),
]


def _barcode(number: int) -> str:
    """Return the 12-digit UPC-A of an 11-digit number, its check digit by GS1's rule (odd places count three times)."""
    digits = f"{number:011d}"
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(digits))
    return digits + str(-total % 10)


def spread(sku: str, salt: str, low: int, high: int) -> int:
    """A number in [low, high] that always comes out the same for a SKU, so the demo looks lively and starts alike."""
    return low + hashlib.sha256(f"{salt}:{sku}".encode()).digest()[0] % (high - low + 1)


def _combinations(options: dict[str, dict[str, str]]) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Yield every variant's ({option: value}, [sku parts]); one empty pair for a product without options."""
    rows: list[tuple[dict[str, str], list[str]]] = [({}, [])]
    for name, values in options.items():
        rows = [({**o, name: v}, [*c, code]) for o, c in rows for v, code in values.items()]
    yield from rows


def _stock(goods: Goods, sku: str, places: int) -> list[int]:
    """Units per location, first location first. A fixed total wins; otherwise plenty, three quarters of it at the
    first."""
    fixed = goods.stock.get(sku)
    if fixed is not None:
        return list(fixed) + [0] * (places - len(fixed))
    total = spread(sku, "stock", goods.low, goods.high)
    if places == 1:
        return [total]
    second = spread(sku, "outlet", 0, total // 3 or 1)
    return [total - second, second] + [0] * (places - 2)


def _products(shop: _Shop) -> list[dict[str, Any]]:
    products: list[dict[str, Any]] = []
    number = shop.barcode_base
    for goods in shop.goods:
        variants: list[dict[str, Any]] = []
        for options, codes in _combinations(goods.options):
            number += 1
            sku = goods.skus.get("/".join(options.values()), "-".join([shop.prefix, goods.code, *codes]))
            variants.append(
                {
                    "sku": sku,
                    "options": options,
                    "price": goods.prices.get(sku, goods.price),
                    "barcode": _barcode(number),
                    "tracked": goods.tracked,
                    "policy": goods.policy,
                    "requires_shipping": goods.physical,
                    "stock": _stock(goods, sku, len(shop.locations)) if goods.tracked else [0] * len(shop.locations),
                    "grams": goods.grams,
                }
            )
        products.append(
            {
                "title": goods.title,
                "type": goods.kind,
                "vendor": goods.vendor or shop.name,
                "tags": list(goods.tags),
                "status": goods.status,
                "visible": goods.visible,
                "modifiers": [
                    {"name": m.name, "kind": m.kind, "values": list(m.values), "required": m.required}
                    for m in goods.modifiers
                ],
                "option_names": list(goods.options),
                "variants": variants,
            }
        )
    return products


@cache
def all_stores() -> list[dict[str, Any]]:
    """Return every demo store; see ``catalog.stores``."""
    return [_store(shop) for shop in _SHOPS]


def _store(shop: _Shop) -> dict[str, Any]:
    return {
        "platform": shop.platform,
        "merchant": shop.merchant,
        "key": shop.key,
        # Shopify's own word for its key.
        **({"shop": shop.key} if shop.platform == "shopify" else {}),
        "name": shop.name,
        "email": shop.email,
        "owner": shop.owner,
        "currency": "USD",
        "plan": shop.plan,
        "timezone": shop.timezone,
        "address": dict(shop.address),
        "locations": [dict(place) for place in shop.locations],
        "products": _products(shop),
    }
