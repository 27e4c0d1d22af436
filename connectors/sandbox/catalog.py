"""The demo world's goods: what each demo store sells and what each demo seller lists on Amazon.

Plain data, built once per process and the same at every start: no clock and no chance is asked, so two sandboxes begin
alike.
Prices are decimal strings in the store's currency (sellers: in the site's currency); quantities are units.

``stores()`` is read by the sandbox's Shopify, ``sellers()`` by its Amazon.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from connectors.sandbox.catalog_goods import HARBOUR, NEWCOMER, NORTHPINE, Goods

UNTRACKED = -1
"""Stock figure in ``catalog_goods`` of a product whose stock the merchant does not track."""

SITE_CURRENCY = {"US": "USD", "CA": "CAD", "UK": "GBP"}
_SITE_RATE = {"US": Decimal(1), "CA": Decimal("1.37"), "UK": Decimal("0.79")}

_FBA_A1 = ("NP-HDL-300-GRN", "NP-SPK-TI", "NP-WHS-1", "NP-BUG-1", "NP-CMP-1", "NP-FST-1", "NP-EMG-350-CRM", "NP-DRY-5")
_FBA_A2 = ("NP-EMG-350-SPR", "NP-WHS-1", "NP-NTB-INK")


@dataclass
class _Shop:
    """One demo store before its products are spelled out."""

    merchant: str
    shop: str
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
        merchant="northpine",
        shop="northpine-supply.myshopify.com",
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
        merchant="harbour",
        shop="harbour-and-kiln.myshopify.com",
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
        merchant="",
        shop="fieldnotes-goods.myshopify.com",
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
]


def _barcode(number: int) -> str:
    """Return the 12-digit UPC-A of an 11-digit number, its check digit by GS1's rule (odd places count three times)."""
    digits = f"{number:011d}"
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(digits))
    return digits + str(-total % 10)


def _spread(sku: str, salt: str, low: int, high: int) -> int:
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
    total = _spread(sku, "stock", goods.low, goods.high)
    if places == 1:
        return [total]
    second = _spread(sku, "outlet", 0, total // 3 or 1)
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
                "option_names": list(goods.options),
                "variants": variants,
            }
        )
    return products


@cache
def _all_stores() -> list[dict[str, Any]]:
    return [
        {
            "merchant": shop.merchant,
            "shop": shop.shop,
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
        for shop in _SHOPS
    ]


def stores() -> list[dict[str, Any]]:
    """Return the demo stores, the connected ones first; the last has no merchant yet and can be installed into.

    Each: ``merchant`` (slug or ""), ``shop`` (domain), ``name, email, owner, currency, plan, timezone, address``,
    ``locations``
    (``name, active, online, address``) and ``products`` (``title, type, vendor, tags, status, option_names,
    variants``); a
    variant has ``sku, options, price, barcode, tracked, policy ("deny"|"continue"), requires_shipping, grams`` and
    ``stock``, the
    units per location in the order of ``locations``. The caller must not change what it gets.
    """
    return _all_stores()


def _asin(sku: str) -> str:
    """A made-up ten-character catalog id: B0 and eight letters or digits, fixed for a SKU whoever sells it."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
    digest = hashlib.sha256(f"asin:{sku}".encode()).digest()
    return "B0" + "".join(alphabet[b % len(alphabet)] for b in digest[:8])


def _price(usd: str, site: str) -> str:
    """The listing's price: the store's, carried into the site's currency and ended on .99 or .50 as sellers do."""
    raw = Decimal(usd) * _SITE_RATE[site]
    whole = raw.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    if site == "US":
        return str(Decimal(usd).quantize(Decimal("0.01")))
    return str(max(whole, Decimal(1)) - (Decimal("0.01") if site == "UK" else Decimal("0.50")))


def _title(brand: str, product: str, options: dict[str, str]) -> str:
    return ", ".join([f"{brand} {product}", *options.values()])


def _listing(
    *, brand: str, product: dict[str, Any], variant: dict[str, Any], sites: list[str], fba: bool
) -> dict[str, Any]:
    sku = variant["sku"]
    total = sum(variant["stock"])
    return {
        "sku": sku,
        "asin": _asin(sku),
        "title": _title(brand, product["title"], variant["options"]),
        "variation": dict(variant["options"]),
        "prices": {site: _price(variant["price"], site) for site in sites},
        "barcode": variant["barcode"],
        "quantity": _spread(sku, "fba", 12, 80) if fba else total,
        "fulfilled_by": "marketplace" if fba else "merchant",
        "store_sku": sku,
        "kind": "fba" if fba else ("scarce" if variant["tracked"] and total <= 1 else "plain"),
        "grams": variant["grams"],
    }


def _odd(
    *,
    sku: str,
    title: str,
    sites: list[str],
    usd: str,
    kind: str,
    store_sku: str = "",
    variation: dict[str, str] | None = None,
    quantity: int = 9,
    barcode: str = "",
) -> dict[str, Any]:
    """A listing whose seller SKU is not the store's: matched by its title, by the merchant's mapping, or not at all."""
    return {
        "sku": sku,
        "asin": _asin(sku),
        "title": title,
        "variation": variation or {},
        "prices": {site: _price(usd, site) for site in sites},
        "barcode": barcode,
        "quantity": quantity,
        "fulfilled_by": "merchant",
        "store_sku": store_sku,
        "kind": kind,
        "grams": 200,
    }


def _plain_listings(
    store: dict[str, Any], brand: str, sites: list[str], *, every: int, fba: tuple[str, ...]
) -> list[dict[str, Any]]:
    """List the store's active, shippable products: all variants of every ``every``-th product, in the store's order."""
    sold = [p for p in store["products"] if p["status"] == "active" and p["variants"][0]["requires_shipping"]]
    seen: set[str] = set()
    listings: list[dict[str, Any]] = []
    for place, product in enumerate(sold):
        for variant in product["variants"]:
            sku = variant["sku"]
            if sku in seen or (place % every and sku not in fba):
                continue
            seen.add(sku)
            listings.append(_listing(brand=brand, product=product, variant=variant, sites=sites, fba=sku in fba))
    return listings


def _barcode_of(store: dict[str, Any], sku: str) -> str:
    return str(next(v["barcode"] for p in store["products"] for v in p["variants"] if v["sku"] == sku))


@cache
def _all_sellers() -> list[dict[str, Any]]:
    northpine, harbour = _all_stores()[0], _all_stores()[1]
    stove = _barcode_of(northpine, "NP-STV-TI-2")
    us, uk, outlet, kiln = ["US"], ["UK"], ["US", "CA"], ["US"]
    a1 = _plain_listings(northpine, "Northpine", us, every=1, fba=_FBA_A1)
    a1 = [row for row in a1 if not row["sku"].startswith("NP-TEE-")] + [
        _odd(sku="TSHIRT-AMZ-XL", title="T-Shirt: Size XL", sites=us, usd="24.00", kind="title", store_sku="NP-TEE-XL"),
        _odd(
            sku="TSHIRT-AMZ-L",
            title="T-Shirt",
            variation={"Size": "L"},
            sites=us,
            usd="24.00",
            kind="title",
            store_sku="NP-TEE-L",
        ),
        _odd(
            sku="STV-TI-2-CA",
            title="Titan Camp Stove 2, Canada edition",
            sites=us,
            usd="74.00",
            kind="missing",
            barcode=stove,
        ),
    ]
    a2 = _plain_listings(northpine, "Northpine", uk, every=2, fba=_FBA_A2) + [
        _odd(sku="NPUK-TEE-M", title="T-Shirt: Size M", sites=uk, usd="24.00", kind="title", store_sku="NP-TEE-M"),
    ]
    a3 = _plain_listings(northpine, "Northpine Outlet", outlet, every=3, fba=()) + [
        _odd(sku="OUT-TEE-S-2", title="T-Shirt: Size S", sites=outlet, usd="19.00", kind="title", store_sku="NP-TEE-S"),
        _odd(sku="OUT-PACK-22-B", title="Daypack 22 Blemished", sites=outlet, usd="49.00", kind="missing"),
    ]
    a4 = _plain_listings(harbour, "Harbour & Kiln", kiln, every=1, fba=())
    return [
        _seller("A1NORTHPINEUS", "Northpine US", "northpine", "na", us, a1),
        _seller("A2NORTHPINEUK", "Northpine UK", "northpine", "eu", uk, a2),
        _seller("A3NORTHPINEOUT", "Northpine Outlet", "northpine", "na", outlet, a3),
        _seller("A4HARBOURKILN", "Harbour & Kiln", "harbour", "na", kiln, a4),
    ]


def _seller(
    key: str, name: str, merchant: str, region: str, sites: list[str], listings: list[dict[str, Any]]
) -> dict[str, Any]:
    return {"key": key, "name": name, "merchant": merchant, "region": region, "sites": sites, "listings": listings}


def sellers() -> list[dict[str, Any]]:
    """Return the demo Amazon sellers: ``key, name, merchant, region, sites, listings``.

    A listing has ``sku`` (the seller's), ``asin, title, variation, barcode, grams``, ``prices`` ({site: decimal string
    in the site's
    currency}), ``quantity`` (what Amazon shows at the start), ``fulfilled_by`` ("merchant"|"marketplace"),
    ``store_sku`` (the
    store's SKU it stands for, "" when it exists nowhere) and ``kind``: ``plain``, ``scarce`` (one unit or none in the
    store), ``fba``,
    ``title`` (another SKU, title and variation match the store's), ``missing`` (exists nowhere in the store). The
    caller must not
    change what it gets.
    """
    return _all_sellers()
