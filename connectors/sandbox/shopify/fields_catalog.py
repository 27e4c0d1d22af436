"""How the fields of shops, goods, stock, apps and subscriptions are answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from connectors.sandbox.shopify import search
from connectors.sandbox.shopify.context import Context
from connectors.sandbox.shopify.fields_order import Resolvers, legacy
from connectors.sandbox.shopify.paging import page
from connectors.sandbox.shopify.places import COUNTRIES
from connectors.sandbox.shopify.state import APP_ID, Doc, gid, number_of

API_VERSION = "2026-10"
PLANS: dict[str, str] = {
    "development": "Developer Preview",
    "standard": "Basic",
    "advanced": "Advanced",
    "plus": "Shopify Plus",
    "enterprise": "Commerce Components",
}
"""Plan in a shop's settings → the name Shopify shows."""


def _named(level: Doc, name: str) -> int:
    """A named quantity; those the pretend shop does not keep (reserved, incoming, …) are zero."""
    if name == "on_hand":
        return int(level["available"] + level["committed"])
    return int(level[name]) if name in ("available", "committed") else 0


def _quantities(level: Doc, info: Any, names: list[str]) -> list[Doc]:
    number = number_of(level["id"])
    return [
        {
            "id": f"gid://shopify/InventoryQuantity/{number}?inventory_item_id={number_of(level['item'])}&name={name}",
            "name": name,
            "quantity": _named(level, name),
            "updatedAt": level["updatedAt"],
        }
        for name in names
    ]


def _level(item: Doc, info: Any, locationId: str, includeInactive: bool = False) -> Doc | None:
    context: Context = info.context
    return context.state.levels_of[item["item"]].get(locationId)


def _levels(item: Doc, info: Any, query: str | None = None, includeInactive: bool = False, **args: Any) -> Any:
    context: Context = info.context
    return page(list(context.state.stock_of(item)), **args)


def _place_levels(place: Doc, info: Any, query: str | None = None, includeInactive: bool = False, **args: Any) -> Any:
    context: Context = info.context
    state = context.state
    found = (state.levels_of[variant["item"]].get(place["id"]) for _, variant in state.variants_of[place["shop"]])
    return page([level for level in found if level is not None], lambda level: number_of(level["item"]), **args)


def _available(context: Context, variant: Doc) -> int:
    return sum(level["available"] for level in context.state.stock_of(variant))


def _for_sale(variant: Doc, info: Any) -> bool:
    return not variant["tracked"] or variant["inventoryPolicy"] == "CONTINUE" or _available(info.context, variant) > 0


def _variants_of(product: Doc, info: Any) -> list[Doc]:
    context: Context = info.context
    return context.state.variants_of_product[product["id"]]


def _option_rows(product: Doc, variants: list[Doc]) -> Iterator[Doc]:
    number = number_of(product["id"])
    for place, name in enumerate(variants[0]["options"] if variants else [], 1):
        values = list(dict.fromkeys(variant["options"].get(name, "") for variant in variants))
        yield {
            "id": gid("ProductOption", number * 10 + place),
            "name": name,
            "position": place,
            "values": values,
            "optionValues": [
                {"id": gid("ProductOptionValue", number * 1000 + place * 100 + n), "name": value, "hasVariants": True}
                for n, value in enumerate(values)
            ],
        }


def _selected(variant: Doc, info: Any) -> list[Doc]:
    return [{"name": name, "value": value, "variant": variant} for name, value in variant["options"].items()]


def _selected_value(selected: Doc, info: Any) -> Doc:
    context: Context = info.context
    variant = selected["variant"]
    product = context.state.products[variant["product"]]
    rows = _option_rows(product, context.state.variants_of_product[product["id"]])
    row: Doc = next(r for r in rows if r["name"] == selected["name"])
    return next(dict(value) for value in row["optionValues"] if value["name"] == selected["value"])


def as_item(variant: Doc) -> Doc:
    """Return a variant as its inventory item, for places where the type is not known from the field."""
    return {**variant, "__typename": "InventoryItem"}


def _duplicates(item: Doc, info: Any) -> int:
    context: Context = info.context
    same = context.state.by_sku.get((item["shop"], item["sku"].casefold()), [])
    return sum(1 for other in same if other["sku"] == item["sku"]) - 1


def _place_address(place: Doc, info: Any) -> Doc:
    home = place["address"]
    code = home["countryCode"]
    lines = [home["address1"], f"{home['city']} {home['provinceCode']} {home['zip']}", COUNTRIES[code]]
    return {**home, "country": COUNTRIES[code], "province": home["provinceCode"], "formatted": lines}


def _offset(shop: Doc, info: Any) -> int:
    context: Context = info.context
    moved = context.world.now().astimezone(ZoneInfo(shop["ianaTimezone"])).utcoffset()
    return int(moved.total_seconds() // 60) if moved else 0


def _offset_text(shop: Doc, info: Any) -> str:
    minutes = _offset(shop, info)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


def _scopes(installation: Doc, info: Any) -> list[Doc]:
    return [
        {"handle": handle, "description": handle.replace("_", " ").capitalize()} for handle in installation["scopes"]
    ]


def _search_count(fields: dict[str, search.Field], rows: str) -> Any:
    def resolve(root: Any, info: Any, query: str | None = None, **_: Any) -> Doc:
        context: Context = info.context
        found = search.search(context, query, fields)
        docs = (
            found.start if found.start is not None else [doc for _, doc in getattr(context.state, rows)[context.shop]]
        )
        return {"count": sum(1 for doc in docs if found.test(doc)), "precision": "EXACT"}

    return resolve


variants_count = _search_count(search.VARIANT_FIELDS, "variants_of")
products_count = _search_count(search.PRODUCT_FIELDS, "products_of")


def _app(context: Context) -> Doc:
    return {"__typename": "App", "id": gid("App", APP_ID), "shop": context.shop}


def _shop_address(shop: Doc, info: Any) -> Doc:
    home = shop["address"]
    code = home["countryCode"]
    return {
        **home,
        "id": shop["gid"].replace("/Shop/", "/ShopAddress/"),
        "company": shop["name"],
        "country": COUNTRIES[code],
        "countryCodeV2": code,
        "province": home["provinceCode"],
    }


RESOLVERS: Resolvers = {
    "Shop": {
        "id": lambda x, info: x["gid"],
        "plan": lambda x, info: x,
        "enabledPresentmentCurrencies": lambda x, info: [x["currencyCode"]],
        "orderNumberFormatPrefix": lambda x, info: "#",
        "orderNumberFormatSuffix": lambda x, info: "",
        "primaryDomain": lambda x, info: {
            "id": x["gid"].replace("/Shop/", "/Domain/"),
            "host": x["shop"],
            "sslEnabled": True,
            "url": f"https://{x['shop']}",
        },
        "url": lambda x, info: f"https://{x['shop']}",
        "setupRequired": lambda x, info: False,
        "checkoutApiSupported": lambda x, info: True,
        "shipsToCountries": lambda x, info: sorted(COUNTRIES),
        "timezoneAbbreviation": lambda x, info: (
            info.context.world.now().astimezone(ZoneInfo(x["ianaTimezone"])).tzname()
        ),
        "timezoneOffset": _offset_text,
        "timezoneOffsetMinutes": _offset,
        "unitSystem": lambda x, info: "IMPERIAL_SYSTEM",
        "weightUnit": lambda x, info: "POUNDS",
        "shopAddress": _shop_address,
        "metafield": lambda x, info, **_: None,
        "metafields": lambda x, info, namespace=None, keys=None, **args: page([], **args),
    },
    "ShopPlan": {
        "displayName": lambda x, info: PLANS[x["plan"]],
        "publicDisplayName": lambda x, info: PLANS[x["plan"]],
        "partnerDevelopment": lambda x, info: x["plan"] == "development",
        "shopifyPlus": lambda x, info: x["plan"] in ("plus", "enterprise"),
    },
    "Product": {
        "legacyResourceId": legacy,
        "defaultCursor": lambda x, info: x["id"],
        "description": lambda x, info, truncateAt=None: "",
        "descriptionHtml": lambda x, info: "",
        "hasOnlyDefaultVariant": lambda x, info: not x["optionNames"],
        "hasOutOfStockVariants": lambda x, info: any(
            _available(info.context, v) <= 0 for v in _variants_of(x, info) if v["tracked"]
        ),
        "hasVariantsThatRequiresComponents": lambda x, info: any(v["components"] for v in _variants_of(x, info)),
        "isGiftCard": lambda x, info: False,
        "metafield": lambda x, info, **_: None,
        "metafields": lambda x, info, namespace=None, keys=None, **args: page([], **args),
        "onlineStoreUrl": lambda x, info: (
            f"https://{x['shop']}/products/{x['handle']}" if x["status"] == "ACTIVE" else None
        ),
        "options": lambda x, info, first=None: list(_option_rows(x, _variants_of(x, info)))[:first],
        "totalInventory": lambda x, info: sum(
            _available(info.context, v) for v in _variants_of(x, info) if v["tracked"]
        ),
        "totalVariants": lambda x, info: len(_variants_of(x, info)),
        "tracksInventory": lambda x, info: any(v["tracked"] for v in _variants_of(x, info)),
        "variants": lambda x, info, sortKey=None, **args: page(
            _variants_of(x, info), lambda v: number_of(v["id"]), **args
        ),
        "variantsCount": lambda x, info: {"count": len(_variants_of(x, info)), "precision": "EXACT"},
    },
    "ProductVariant": {
        "legacyResourceId": legacy,
        "availableForSale": _for_sale,
        "compareAtPrice": lambda x, info: None,
        "defaultCursor": lambda x, info: x["id"],
        "displayName": lambda x, info: f"{info.context.state.products[x['product']]['title']} - {x['title']}",
        "inventoryItem": lambda x, info: x,
        "inventoryQuantity": lambda x, info: _available(info.context, x),
        "sellableOnlineQuantity": lambda x, info: _available(info.context, x),
        "metafield": lambda x, info, **_: None,
        "metafields": lambda x, info, namespace=None, keys=None, **args: page([], **args),
        "product": lambda x, info: info.context.state.products[x["product"]],
        "requiresComponents": lambda x, info: bool(x["components"]),
        "selectedOptions": _selected,
        "taxable": lambda x, info: True,
    },
    "SelectedOption": {"optionValue": _selected_value},
    "InventoryItem": {
        "id": lambda x, info: x["item"],
        "legacyResourceId": lambda x, info: str(number_of(x["item"])),
        "updatedAt": lambda x, info: x["itemUpdatedAt"],
        "duplicateSkuCount": _duplicates,
        "inventoryLevel": _level,
        "inventoryLevels": _levels,
        "locationsCount": lambda x, info: {"count": len(info.context.state.levels_of[x["item"]]), "precision": "EXACT"},
        "variant": lambda x, info: info.context.state.variants[x["id"]],
        "variants": lambda x, info, **args: page([info.context.state.variants[x["id"]]], **args),
    },
    "InventoryLevel": {
        "isActive": lambda x, info: True,
        "item": lambda x, info: info.context.state.by_item[x["item"]],
        "location": lambda x, info: info.context.state.locations[x["location"]],
        "quantities": _quantities,
    },
    "Location": {
        "legacyResourceId": legacy,
        "address": _place_address,
        "activatable": lambda x, info: not x["isActive"],
        "deactivatable": lambda x, info: x["isActive"],
        "hasActiveInventory": lambda x, info: True,
        "inventoryLevel": lambda x, info, inventoryItemId, includeInactive=False: info.context.state.levels_of[
            inventoryItemId
        ].get(x["id"]),
        "inventoryLevels": _place_levels,
        "isFulfillmentService": lambda x, info: False,
        "metafield": lambda x, info, **_: None,
        "metafields": lambda x, info, namespace=None, keys=None, **args: page([], **args),
    },
    "AppInstallation": {
        "id": lambda x, info: gid("AppInstallation", f"{APP_ID}{number_of(info.context.shop_doc['gid']) % 1000:03d}"),
        "accessScopes": _scopes,
        "activeSubscriptions": lambda x, info: [],
        "app": lambda x, info: _app(info.context),
        "launchUrl": lambda x, info: f"{info.context.base_url}/shopify/{info.context.shop}/admin/apps/salestio",
        "metafield": lambda x, info, **_: None,
        "metafields": lambda x, info, namespace=None, keys=None, **args: page([], **args),
    },
    "App": {
        "apiKey": lambda x, info: info.context.client_id,
        "title": lambda x, info: info.context.app_name,
        "handle": lambda x, info: "salestio",
        "developerName": lambda x, info: info.context.app_name,
        "embedded": lambda x, info: True,
        "installation": lambda x, info: info.context.installation,
        "availableAccessScopes": lambda x, info: _scopes({"scopes": info.context.scopes}, info),
        "requestedAccessScopes": lambda x, info: _scopes({"scopes": info.context.scopes}, info),
        "uninstallMessage": lambda x, info: "",
        "webhookApiVersion": lambda x, info: API_VERSION,
    },
    "WebhookSubscription": {
        "legacyResourceId": legacy,
        "apiVersion": lambda x, info: {"handle": API_VERSION, "displayName": API_VERSION, "supported": True},
        "callbackUrl": lambda x, info: x["uri"],
        "endpoint": lambda x, info: {"__typename": "WebhookHttpEndpoint", "callbackUrl": x["uri"]},
    },
    "MetafieldDefinition": {
        "access": lambda x, info: {"admin": "MERCHANT_READ_WRITE", "customerAccount": "NONE", "storefront": "NONE"},
        "capabilities": lambda x, info: {
            "adminFilterable": {"eligible": True, "enabled": False, "status": "NOT_FILTERABLE"},
            "uniqueValues": {"eligible": True, "enabled": x["unique"]},
        },
        "metafieldsCount": lambda x, info, **_: sum(
            1 for key in info.context.state.by_custom_id if key[:3] == (x["shop"], x["namespace"], x["key"])
        ),
        "pinnedPosition": lambda x, info: None,
        "type": lambda x, info: {
            "name": x["type"],
            "category": "ID" if x["type"] == "id" else "TEXT",
            "supportsDefinitionMigrations": False,
        },
        "validationStatus": lambda x, info: "ALL_VALID",
    },
    "InventoryAdjustmentGroup": {
        "app": lambda x, info: _app(info.context),
        "changes": lambda x, info, inventoryItemIds=None, locationIds=None, quantityNames=None: [
            change
            for change in x["changes"]
            if (inventoryItemIds is None or change["item"] in inventoryItemIds)
            and (locationIds is None or change["location"] in locationIds)
            and (quantityNames is None or change["name"] in quantityNames)
        ],
    },
    "InventoryChange": {
        "item": lambda x, info: info.context.state.by_item.get(x["item"]),
        "location": lambda x, info: info.context.state.locations.get(x["location"]),
        "ledgerDocumentUri": lambda x, info: None,
    },
}
