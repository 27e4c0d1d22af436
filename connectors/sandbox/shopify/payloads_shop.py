"""Webhook bodies about goods, stock and the shop itself; those about orders are in ``payloads.py``. Pure as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.sandbox.shopify.places import COUNTRIES
from connectors.sandbox.shopify.state import Doc, number_of

if TYPE_CHECKING:
    from connectors.sandbox.shopify.context import Context


def inventory_level(level: Doc) -> Doc:
    """The body of ``inventory_levels/update``: only where, what and how many are available."""
    return {
        "inventory_item_id": number_of(level["item"]),
        "location_id": number_of(level["location"]),
        "available": level["available"],
        "updated_at": level["updatedAt"],
        "admin_graphql_api_id": level["id"],
    }


def product(ctx: Context, doc: Doc) -> Doc:
    """The body of ``products/create`` and ``products/update``."""
    variants = ctx.state.variants_of_product[doc["id"]]
    return {
        "id": number_of(doc["id"]),
        "admin_graphql_api_id": doc["id"],
        "body_html": None,
        "created_at": doc["createdAt"],
        "handle": doc["handle"],
        "product_type": doc["productType"],
        "published_at": doc["publishedAt"],
        "template_suffix": None,
        "title": doc["title"],
        "updated_at": doc["updatedAt"],
        "vendor": doc["vendor"],
        "status": doc["status"].lower(),
        "published_scope": "web",
        "tags": ", ".join(doc["tags"]),
        "variants": [_variant(ctx, doc, variant) for variant in variants[:100]],
        "options": _options(doc, variants),
        "images": [],
        "image": None,
        "media": [],
        "variant_gids": [{"admin_graphql_api_id": v["id"], "updated_at": v["updatedAt"]} for v in variants],
        "has_variants_that_requires_components": any(v["components"] for v in variants),
        "category": None,
    }


def _options(doc: Doc, variants: list[Doc]) -> list[Doc]:
    names = list(variants[0]["options"]) if variants else []
    number = number_of(doc["id"])
    return [
        {
            "id": number * 10 + place,
            "product_id": number,
            "name": name,
            "position": place,
            "values": list(dict.fromkeys(v["options"].get(name, "") for v in variants)),
        }
        for place, name in enumerate(names, 1)
    ]


def _variant(ctx: Context, doc: Doc, variant: Doc) -> Doc:
    values = [*variant["options"].values(), None, None, None]
    available = sum(level["available"] for level in ctx.state.stock_of(variant))
    return {
        "id": number_of(variant["id"]),
        "admin_graphql_api_id": variant["id"],
        "barcode": variant["barcode"],
        "compare_at_price": None,
        "created_at": variant["createdAt"],
        "inventory_policy": variant["inventoryPolicy"].lower(),
        "position": variant["position"],
        "price": variant["price"],
        "product_id": number_of(doc["id"]),
        "sku": variant["sku"],
        "taxable": True,
        "title": variant["title"],
        "updated_at": variant["updatedAt"],
        "option1": values[0],
        "option2": values[1],
        "option3": values[2],
        "image_id": None,
        "inventory_item_id": number_of(variant["item"]),
        "inventory_quantity": available,
        "old_inventory_quantity": available,
    }


def inventory_item(variant: Doc) -> Doc:
    """The body of ``inventory_items/update``."""
    return {
        "id": number_of(variant["item"]),
        "admin_graphql_api_id": variant["item"],
        "sku": variant["sku"],
        "created_at": variant["createdAt"],
        "updated_at": variant["itemUpdatedAt"],
        "requires_shipping": variant["requiresShipping"],
        "cost": None,
        "country_code_of_origin": None,
        "province_code_of_origin": None,
        "harmonized_system_code": None,
        "tracked": variant["tracked"],
        "country_harmonized_system_codes": [],
        "weight_value": variant["grams"],
        "weight_unit": "g",
    }


def deleted(doc_id: str) -> Doc:
    """The body of the ``…/delete`` topics: the number alone."""
    return {"id": number_of(doc_id)}


def shop(doc: Doc) -> Doc:
    """The body of ``shop/update`` and ``app/uninstalled``: only what the demo shop knows of itself."""
    home = doc["address"]
    return {
        **_ways(doc),
        "id": number_of(doc["gid"]),
        "name": doc["name"],
        "email": doc["email"],
        "domain": doc["shop"],
        "province": home.get("provinceCode"),
        "country": home["countryCode"],
        "address1": home["address1"],
        "zip": home["zip"],
        "city": home["city"],
        "source": None,
        "phone": home.get("phone"),
        "latitude": None,
        "longitude": None,
        "primary_locale": "en",
        "address2": None,
        "created_at": doc["createdAt"],
        "updated_at": doc["updatedAt"],
        "country_code": home["countryCode"],
        "country_name": COUNTRIES[home["countryCode"]],
        "currency": doc["currencyCode"],
        "customer_email": doc["email"],
        "timezone": f"(GMT) {doc['ianaTimezone']}",
        "iana_timezone": doc["ianaTimezone"],
    }


_PLAN_NAMES = {"standard": "basic", "advanced": "unlimited", "plus": "shopify_plus", "development": "partner_test"}


def _ways(doc: Doc) -> Doc:
    """How the shop sells: plan, money, taxes and the flags nothing here depends on."""
    return {
        "shop_owner": doc["shopOwnerName"],
        "money_format": "${{amount}}",
        "money_with_currency_format": "${{amount}} USD",
        "weight_unit": "g",
        "province_code": doc["address"].get("provinceCode"),
        "taxes_included": doc["taxesIncluded"],
        "auto_configure_tax_inclusivity": None,
        "tax_shipping": doc["taxShipping"],
        "county_taxes": True,
        "plan_display_name": doc["plan"].title(),
        "plan_name": _PLAN_NAMES.get(doc["plan"], doc["plan"]),
        "has_discounts": False,
        "has_gift_cards": False,
        "myshopify_domain": doc["shop"],
        "google_apps_domain": None,
        "google_apps_login_enabled": None,
        "money_in_emails_format": "${{amount}}",
        "money_with_currency_in_emails_format": "${{amount}} USD",
        "eligible_for_payments": True,
        "requires_extra_payments_agreement": False,
        "password_enabled": False,
        "has_storefront": True,
        "finances": True,
        "primary_location_id": None,
        "checkout_api_supported": True,
        "multi_location_enabled": True,
        "setup_required": False,
        "pre_launch_enabled": False,
        "enabled_presentment_currencies": [doc["currencyCode"]],
        "marketing_sms_consent_enabled_at_checkout": False,
        "transactional_sms_disabled": False,
    }
