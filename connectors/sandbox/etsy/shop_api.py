"""Open API v3, the rest: ping, users, shops, shipping carriers."""

from __future__ import annotations

from aiohttp import web

from connectors.sandbox.etsy.common import ETSY, Etsy, enter, error, refused, whole
from connectors.sandbox.etsy.shapes import seconds
from connectors.sandbox.etsy.state import Doc, number

_CARRIERS: dict[str, tuple[str, ...]] = {
    "US": ("USPS", "UPS", "FedEx", "DHL Express", "OnTrac", "Asendia"),
    "GB": ("Royal Mail", "Parcelforce", "Evri", "DPD UK", "DHL Express"),
    "CA": ("Canada Post", "Purolator", "UPS", "FedEx"),
    "DE": ("DHL", "Deutsche Post", "DPD", "Hermes", "GLS"),
    "FR": ("La Poste", "Colissimo", "Chronopost", "DPD"),
    "AU": ("Australia Post", "Sendle", "StarTrack"),
}
_ELSEWHERE = ("DHL Express", "UPS", "FedEx")


def setup(app: web.Application) -> None:
    """Add the routes."""
    base = "/etsy/v3/application"
    app.router.add_get(f"{base}/openapi-ping", ping)
    app.router.add_get(f"{base}/users/me", get_me)
    app.router.add_get(f"{base}/users/{{user_id}}/shops", get_shop_by_owner)
    app.router.add_get(f"{base}/shops/{{shop_id}}", get_shop)
    app.router.add_get(f"{base}/shipping-carriers", get_shipping_carriers)


async def unknown(request: web.Request) -> web.Response:
    """Any other path."""
    return error(404, "Resource not found")


async def ping(request: web.Request) -> web.Response:
    """Say that the key is good."""
    await enter(request, "ping")
    return web.json_response({"application_id": number(request.app[ETSY].app["keystring"], 100_000_000, 900_000_000)})


async def get_me(request: web.Request) -> web.Response:
    """Say whose token this is."""
    caller = await enter(request, "getMe", "shops_r")
    shop = request.app[ETSY].state.shops[caller.shop]
    return web.json_response({"user_id": shop["user_id"], "shop_id": int(shop["key"])})


async def get_shop(request: web.Request) -> web.Response:
    """One shop; any app with a key may read it."""
    await enter(request, "getShop")
    etsy = request.app[ETSY]
    shop = etsy.state.shops.get(whole(request.match_info["shop_id"], "shop_id"))
    if shop is None:
        raise refused(404, "Resource not found")
    return web.json_response(shop_json(etsy, shop))


async def get_shop_by_owner(request: web.Request) -> web.Response:
    """The shop of a user."""
    await enter(request, "getShopByOwnerUserId")
    etsy = request.app[ETSY]
    wanted = int(whole(request.match_info["user_id"], "user_id"))
    shop = next((shop for shop in etsy.state.shops.values() if shop["user_id"] == wanted), None)
    if shop is None:
        raise refused(404, "Resource not found")
    return web.json_response(shop_json(etsy, shop))


def shop_json(etsy: Etsy, shop: Doc) -> Doc:
    """Return a shop in Etsy's shape."""
    opened, now = seconds(shop["opened_ms"]), etsy.now()
    rows = etsy.state.rows_of[shop["key"]]
    active = {row["item_id"] for row in rows if row["state"] == "active"}
    return {
        "shop_id": int(shop["key"]),
        "user_id": shop["user_id"],
        "shop_name": shop["name"],
        "create_date": opened,
        "created_timestamp": opened,
        "title": f"{shop['name']}, made by hand",
        "announcement": None,
        "currency_code": shop["currency"],
        "is_vacation": False,
        "vacation_message": None,
        "sale_message": None,
        "digital_sale_message": None,
        "update_date": now,
        "updated_timestamp": now,
        "listing_active_count": len(active),
        "digital_listing_count": len({row["item_id"] for row in rows if row["digital"]}),
        "login_name": shop["name"].lower(),
        "accepts_custom_requests": True,
        "policy_welcome": None,
        "policy_payment": None,
        "policy_shipping": None,
        "policy_refunds": None,
        "policy_additional": None,
        "policy_seller_info": None,
        "policy_update_date": opened,
        "policy_has_private_receipt_info": False,
        "has_unstructured_policies": False,
        "policy_privacy": None,
        "vacation_autoreply": None,
        "url": f"https://www.etsy.com/shop/{shop['name']}",
        "image_url_760x100": None,
        "num_favorers": 120,
        "languages": ["en-US"],
        "icon_url_fullxfull": None,
        "is_using_structured_policies": True,
        "has_onboarded_structured_policies": True,
        "include_dispute_form_link": False,
        "is_direct_checkout_onboarded": True,
        "is_etsy_payments_onboarded": True,
        "is_calculated_eligible": True,
        "is_opted_in_to_buyer_promise": False,
        "is_shop_us_based": shop["country"] == "US",
        "transaction_sold_count": len(etsy.state.by_created[shop["key"]]),
        "shipping_from_country_iso": shop["country"],
        "shop_location_country_iso": shop["country"],
        "review_count": 48,
        "review_average": 4.9,
    }


async def get_shipping_carriers(request: web.Request) -> web.Response:
    """The carriers of a country with their mail classes. `other` is not among them and always taken."""
    await enter(request, "getShippingCarriers")
    country = request.query.get("origin_country_iso", "")
    if len(country) != 2 or not country.isalpha():
        raise refused(400, "Invalid value for parameter 'origin_country_iso'")
    rows = [_carrier(name) for name in _CARRIERS.get(country.upper(), _ELSEWHERE)]
    return web.json_response({"count": len(rows), "results": rows})


def _carrier(name: str) -> Doc:
    key = name.lower().replace(" ", "_")
    return {
        "shipping_carrier_id": number(f"carrier:{name}", 1, 900),
        "name": name,
        "domestic_classes": [{"mail_class_key": f"{key}_standard", "name": f"{name} Standard"}],
        "international_classes": [{"mail_class_key": f"{key}_international", "name": f"{name} International"}],
    }
