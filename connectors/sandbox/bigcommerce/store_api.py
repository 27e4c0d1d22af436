"""What an app learns of the store itself: its information, time, currencies, settings, channels; and its customers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connectors.sandbox.bigcommerce import paging
from connectors.sandbox.bigcommerce.errors import Refused, unprocessable
from connectors.sandbox.bigcommerce.state import Doc

if TYPE_CHECKING:
    from connectors.sandbox.bigcommerce.face import Context

INVENTORY_SETTINGS: dict[str, Any] = {
    "product_out_of_stock_behavior": (
        "do_nothing",
        "hide_product",
        "hide_product_and_accessible",
        "hide_product_and_redirect",
    ),
    "option_out_of_stock_behavior": ("do_nothing", "hide_option", "label_option"),
    "update_stock_behavior": ("order_placed", "order_completed_or_shipped"),
    "edit_order_stock_adjustment": bool,
    "refund_order_stock_adjustment": bool,
    "stock_level_display": ("dont_show", "show", "show_when_low"),
    "default_out_of_stock_message": str,
    "hide_in_product_filtering": bool,
    "show_pre_order_stock_levels": bool,
    "show_out_of_stock_message": bool,
}
"""Inventory settings: allowed words, or the type."""
_CURRENCIES = {"USD": ("$", "US Dollar", "US"), "EUR": ("€", "Euro", "DE"), "GBP": ("£", "Pound Sterling", "GB")}


def store(context: Context) -> Any:
    """``getStoreInformation``."""
    doc, home = context.store, context.store["address"]
    panel = f"{context.face.core.base_url}/bigcommerce/store-{context.hash}/manage"
    domain = re.sub(r"[^a-z0-9]+", "-", doc["name"].lower()).strip("-") + ".example"
    return {
        "id": context.hash,
        "account_uuid": doc["account_uuid"],
        "domain": domain,
        "secure_url": f"https://{domain}",
        "control_panel_base_url": panel.removesuffix("/manage"),
        "status": doc["status"],
        "name": doc["name"],
        "first_name": doc["first_name"],
        "last_name": doc["last_name"],
        "address": f"{home['address1']}\n{home['city']}, {home['provinceCode']} {home['zip']}",
        "country": "United States",
        "country_code": home["countryCode"],
        "infrastructure_region": "us-central1",
        "phone": home.get("phone", ""),
        "admin_email": doc["email"],
        "order_email": doc["email"],
        "favicon_url": "",
        "timezone": _timezone(context),
        "language": "en",
        "currency": doc["currency"],
        "currency_symbol": "$",
        "decimal_separator": ".",
        "thousands_separator": ",",
        "decimal_places": 2,
        "currency_symbol_location": "left",
        "weight_units": "Ounces",
        "dimension_units": "Inches",
        "dimension_decimal_places": 2,
        "dimension_decimal_token": ".",
        "dimension_thousands_token": ",",
        "plan_name": doc["plan"].capitalize(),
        "plan_level": doc["plan"].capitalize(),
        "plan_is_trial": False,
        "industry": "",
        "logo": [],
        "is_price_entered_with_tax": False,
        "store_id": doc["store_id"],
        "default_channel_id": 1,
        "default_site_id": 1000,
        "active_comparison_modules": [],
        "features": {
            "stencil_enabled": True,
            "sitewidehttps_enabled": True,
            "facebook_catalog_id": "",
            "checkout_type": "optimized",
            "wishlists_enabled": False,
            "graphql_storefront_api_enabled": True,
            "shopper_consent_tracking_enabled": False,
            "multi_storefront_enabled": False,
            "storefront_limits": {"active": 1, "total_including_inactive": 1},
        },
    }


def _timezone(context: Context) -> Doc:
    name = context.store["timezone"]
    offset = context.moment.astimezone(ZoneInfo(name)).utcoffset()
    seconds = int(offset.total_seconds()) if offset is not None else 0
    return {
        "name": name,
        "raw_offset": seconds,
        "dst_offset": seconds,
        "dst_correction": True,
        "date_format": {"display": "M jS Y", "export": "M jS Y", "extended_display": "M jS Y @ g:i A"},
    }


def time(context: Context) -> Any:
    """``getSystemTimestamp``."""
    return {"time": int(context.moment.timestamp())}


def currencies(context: Context) -> Any:
    """``getCurrencies``: the store's own first; further ones it sells in."""
    rows = []
    for n, code in enumerate(context.store["currencies"], 1):
        token, name, country = _CURRENCIES.get(code, (code, code, "US"))
        own = code == context.store["currency"]
        rows.append(
            {
                "id": n,
                "is_default": own,
                "country_iso2": country,
                "default_for_country_codes": [],
                "currency_code": code,
                "currency_exchange_rate": "1.0000000000",
                "auto_update": False,
                "token_location": "left",
                "token": token,
                "decimal_token": ".",
                "thousands_token": ",",
                "decimal_places": 2,
                "name": name,
                "enabled": True,
                "is_transactional": True,
                "use_default_name": False,
                "last_updated": context.store["created_at"],
            }
        )
    return paging.v2(context, rows)


# Settings


def _channel(context: Context) -> str:
    """Return the channel a settings query is about, "" for the store as a whole."""
    given = context.query.get("channel_id", "")
    if given and given not in {str(doc["id"]) for doc in context.state.channels_of[context.hash]}:
        raise unprocessable("channel_id", "The channel does not exist.")
    return given


def inventory_settings(context: Context) -> Any:
    """``getSettingsInventory``: of the store, or of a channel with null where it follows the store."""
    channel = _channel(context)
    if channel:
        own = context.store["inventory_of_channel"].get(channel, {})
        return {"data": {name: own.get(name) for name in INVENTORY_SETTINGS}, "meta": {}}
    return {"data": dict(context.store["inventory"]), "meta": {}}


def update_inventory_settings(context: Context) -> Any:
    """``updateSettingsInventory``."""
    channel, body = _channel(context), context.body
    if not isinstance(body, dict):
        raise Refused(422, "The settings must be an object.")
    read = {name: read_setting(name, value, nullable=bool(channel)) for name, value in body.items()}
    if channel:
        context.store["inventory_of_channel"].setdefault(channel, {}).update(read)
    else:
        context.store["inventory"].update(read)
    context.state.save_store(context.store)
    context.tell("store/information/updated", {"type": "store"})
    return inventory_settings(context)


def read_setting(name: str, value: Any, *, nullable: bool = False) -> Any:
    """Check one inventory setting; raises Refused."""
    allowed = INVENTORY_SETTINGS.get(name)
    if allowed is None:
        raise unprocessable(name, "There is no such setting.")
    if value is None and nullable:
        return None
    fits = value in allowed if isinstance(allowed, tuple) else isinstance(value, allowed)
    if not fits:
        raise unprocessable(name, "The value is not valid.")
    return value


# Channels


def channel_shape(doc: Doc) -> Doc:
    """Return a channel."""
    return {
        "id": doc["id"],
        "external_id": "",
        "is_listable_from_ui": True,
        "is_enabled": doc["status"] == "active",
        "is_visible": doc["is_visible"],
        "status": doc["status"],
        "name": doc["name"],
        "type": doc["type"],
        "platform": doc["platform"],
        "date_created": doc["date_created"],
        "date_modified": doc["date_created"],
        "icon_url": "",
    }


def channels(context: Context) -> Any:
    """``getChannels``."""
    return paging.v3(context, context.state.channels_of[context.hash], channel_shape)


def channel(context: Context) -> Any:
    """``getChannel``."""
    for doc in context.state.channels_of[context.hash]:
        if str(doc["id"]) == context.params["id"]:
            return {"data": channel_shape(doc), "meta": {}}
    raise Refused(404)


# Customers


def customer_shape(doc: Doc) -> Doc:
    """Return a customer."""
    names = ("id", "email", "first_name", "last_name", "company", "phone", "notes", "date_created", "date_modified")
    return {
        **{name: doc[name] for name in names},
        "registration_ip_address": "",
        "tax_exempt_category": "",
        "customer_group_id": 0,
        "address_count": 0,
        "attribute_count": 0,
        "authentication": {"force_password_reset": False},
        "accepts_product_review_abandoned_cart_emails": False,
        "origin_channel_id": 1,
        "channel_ids": [1],
    }


def customers(context: Context) -> Any:
    """``getCustomers``: by e-mail or id."""
    rows = [doc for doc in context.state.customers.values() if doc["store"] == context.hash]
    emails, ids = paging.texts(context, "email:in"), paging.numbers(context, "id:in")
    if emails is not None:
        found = [context.state.by_email.get((context.hash, email.casefold())) for email in sorted(emails)]
        rows = [doc for doc in found if doc is not None]
    if ids is not None:
        rows = [doc for doc in rows if doc["id"] in ids]
    return paging.v3(context, sorted(rows, key=lambda doc: int(doc["id"])), customer_shape)


def create_customers(context: Context) -> Any:
    """``createCustomers``: up to ten; an address somebody has already refuses them all."""
    given = context.body
    if not isinstance(given, list) or not 0 < len(given) <= 10:
        raise Refused(422, "Create customers failed.", errors={"customers": "1 to 10 are required"})
    errors: Doc = {}
    for n, row in enumerate(given):
        email = row.get("email") if isinstance(row, dict) else None
        if not isinstance(email, str) or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
            errors[f"{n}.email"] = "email is not valid"
            continue
        if (context.hash, email.casefold()) in context.state.by_email:
            errors[f"{n}.email"] = f"email {email} already in use"
        for name in ("first_name", "last_name"):
            if not isinstance(row.get(name), str) or not row[name]:
                errors[f"{n}.{name}"] = f"{name} is required"
    if errors:
        raise Refused(422, "Create customers failed.", errors=errors)
    made = []
    for row in given:
        doc: Doc = {"store": context.hash, "id": context.state.next_id(context.hash, "customer", 0)}
        for name in ("email", "first_name", "last_name", "company", "phone", "notes"):
            doc[name] = str(row.get(name) or "")
        doc["date_created"] = doc["date_modified"] = context.now[:19] + "Z"
        context.state.add_customer(doc)
        context.tell("store/customer/created", {"type": "customer", "id": doc["id"]})
        made.append(customer_shape(doc))
    return {"data": made, "meta": {}}
