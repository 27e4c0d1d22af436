"""The control API under `/_control`: drive the pretend world, count what was written. See `docs/sandbox.md`."""

from __future__ import annotations

import email
import email.policy
from typing import Any

from aiohttp import web

from connectors.sandbox import catalog
from connectors.sandbox.amazon import sqs
from connectors.sandbox.amazon.buying import WORDS, Buyers, line_total, total
from connectors.sandbox.amazon.common import AMAZON, Amazon
from connectors.sandbox.amazon.sites import REGIONS, SITES
from connectors.sandbox.amazon.state import Doc, amount
from connectors.sandbox.control_input import Handler, guard, number, read_body, text_field, whole
from connectors.sandbox.faults import KINDS
from connectors.sandbox.limits import PLATFORMS, PROFILES
from connectors.sandbox.platforms import Refusal
from connectors.sandbox.server import CORE
from connectors.sandbox.shopify.control import ShopifyControl
from connectors.sandbox.traffic import TRAFFIC
from connectors.sandbox.world import WRITE_KINDS

BUYERS: web.AppKey[Buyers] = web.AppKey("buyers", Buyers)
STORES: web.AppKey[ShopifyControl] = web.AppKey("stores", ShopifyControl)
_LARGEST = 1000


def setup(app: web.Application) -> None:
    """Add the routes and their guard."""
    app.middlewares.append(guard)
    for method, path, handler in _ROUTES:
        app.router.add_route(method, f"/_control{path}", handler)


# ── the world as a whole ─────────────────────────────────────────────────────────────────────────────────────────────


async def reset(request: web.Request) -> web.Response:
    """The demo world as at the first start."""
    await read_body(request)
    reset_world(request.app)
    return web.json_response({"ok": True})


def reset_world(app: web.Application) -> None:
    """Do what `POST /reset` does; the page's *Start over* calls it too."""
    core = app[CORE]
    app[TRAFFIC].stop()
    core.webhooks.forget("")
    core.clear()
    core.world.reset()


async def writes(request: web.Request) -> web.Response:
    """The write record."""
    query = request.query
    kind = query.get("kind", "")
    if kind and kind not in WRITE_KINDS:
        raise Refusal("kind", f"one of {', '.join(WRITE_KINDS)} is wanted")
    rows = request.app[CORE].world.writes(
        kind=kind,
        key=query.get("key", ""),
        reference=query.get("reference", ""),
        since=whole(query.get("since", "0"), "since", 0, 2**62),
        limit=whole(query.get("limit", str(_LARGEST)), "limit", 1, _LARGEST),
        body=query.get("body", "1") != "0",
    )
    return web.json_response(rows)


async def calls(request: web.Request) -> web.Response:
    """How often each operation was called, by status."""
    core = request.app[CORE]
    rows = [
        {
            "platform": platform,
            "key": key,
            "operation": name,
            "status": int(status) if status.isdigit() else status,
            "count": count,
            "throttled": core.throttled[platform, key, name, status],
        }
        for (platform, key, name, status), count in sorted(core.calls.items())
    ]
    return web.json_response(rows)


async def get_limits(request: web.Request) -> web.Response:
    """Which limits are in force."""
    return web.json_response(request.app[CORE].limits.describe())


async def set_limits(request: web.Request) -> web.Response:
    """Put a profile in force, for one platform or all."""
    body = await read_body(request, "platform", "profile", "list_delay_seconds")
    platform = text_field(body, "platform", ("*", *PLATFORMS), "*")
    profile = text_field(body, "profile", PROFILES)
    delay = body.get("list_delay_seconds")
    if delay is not None:
        delay = float(number(delay, "list_delay_seconds", 0, 86400))
    limits = request.app[CORE].limits
    limits.set(PLATFORMS if platform == "*" else (platform,), profile, delay)
    return web.json_response(limits.describe())


async def clock(request: web.Request) -> web.Response:
    """Move the sandbox's clock on."""
    body = await read_body(request, "advance_seconds")
    world = request.app[CORE].world
    world.advance(int(number(body.get("advance_seconds"), "advance_seconds", -(10**8), 10**9)))
    return web.json_response({"now": world.now().isoformat()})


async def latency(request: web.Request) -> web.Response:
    """Make every platform answer take so long."""
    body = await read_body(request, "milliseconds")
    milliseconds = number(body.get("milliseconds"), "milliseconds", 0, 60000)
    request.app[CORE].world.put("settings", "latency", {"milliseconds": milliseconds})
    return web.json_response({"milliseconds": milliseconds})


async def set_traffic(request: web.Request) -> web.Response:
    """Start or stop the order stream; the first start places the starting set too."""
    body = await read_body(request, "start")
    if not isinstance(body.get("start"), bool):
        raise Refusal("start", "true or false is wanted")
    traffic = request.app[TRAFFIC]
    if body["start"]:
        traffic.start()
    else:
        traffic.stop()
    return web.json_response(traffic.describe())


async def get_traffic(request: web.Request) -> web.Response:
    """Whether the order stream runs."""
    return web.json_response(request.app[TRAFFIC].describe())


async def roles(request: web.Request) -> web.Response:
    """Give our Amazon application the restricted roles, or take them: without, no personal data is shown."""
    body = await read_body(request, "restricted_roles")
    if not isinstance(body.get("restricted_roles"), bool):
        raise Refusal("restricted_roles", "true or false is wanted")
    request.app[CORE].world.put("settings", "amazon", body)
    return web.json_response(body)


async def endpoints(request: web.Request) -> web.Response:
    """Where each platform lives, and how a foreign client signs in."""
    core, amazon = request.app[CORE], request.app[AMAZON]
    base = core.base_url
    shops = request.app[STORES].endpoints()
    own = core.credentials["amazon"]
    body = {
        "amazon": {
            **{region: f"{base}/amazon/{region}" for region in REGIONS},
            "lwa": f"{base}/amazon/lwa",
            "sqs": f"{base}/sqs",
            "seller_central": f"{base}/amazon/sellercentral/{{region}}",
        },
        "shopify": shops["shopify"],
        "clients": {
            "amazon": {
                "client_id": own["client_id"],
                "client_secret": own["client_secret"],
                "application_id": own["application_id"],
                "refresh_tokens": amazon.refresh_tokens(),
            },
            "shopify": shops["client"],
            "sqs": {
                "queue_url": sqs.url(amazon),
                "queue_arn": sqs.arn(),
                "access_key_id": own["aws_access_key_id"],
                "secret_access_key": own["aws_secret_access_key"],
                "region": sqs.REGION,
            },
        },
    }
    return web.json_response(body)


def mails(app: web.Application) -> list[Doc]:
    """Return the mails the product wrote (`mail/*.eml` of the data directory), newest first."""
    folder = app[CORE].world.directory / "mail"
    rows = []
    for path in sorted(folder.glob("*.eml"), key=lambda file: file.stat().st_mtime, reverse=True)[:200]:
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = message.get_body(("plain", "html"))
        rows.append(
            {
                "file": path.name,
                "from": str(message["From"] or ""),
                "to": str(message["To"] or ""),
                "subject": str(message["Subject"] or ""),
                "date": str(message["Date"] or ""),
                "text": body.get_content() if body is not None else "",
            }
        )
    return rows


async def list_mail(request: web.Request) -> web.Response:
    """The mails, newest first."""
    return web.json_response(mails(request.app))


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def add_fault(request: web.Request) -> web.Response:
    """Switch a fault on."""
    body = await read_body(request, "platform", "operation", "kind", "rate", "count", "params")
    platform = text_field(body, "platform", ("*", *PLATFORMS))
    kind = text_field(body, "kind", list(KINDS))
    operation = text_field(body, "operation", (), "*")
    rate = float(number(body.get("rate", 1), "rate", 0, 1))
    count = body.get("count")
    if count is not None:
        count = int(number(count, "count", 1, 10**9))
    params = body.get("params", {})
    _check_params(params)
    return web.json_response({"id": request.app[CORE].faults.add(platform, operation, kind, rate, count, params)})


def _check_params(params: Any) -> None:
    if not isinstance(params, dict):
        raise Refusal("params", "an object is wanted")
    for name, low, high in (("code", 100, 599), ("seconds", -(10**7), 10**7), ("times", 1, 100), ("status", 400, 599)):
        # `refuse` has a code of the platform's own, which is a text.
        if name in params and not (name == "code" and isinstance(params[name], str)):
            number(params[name], f"params.{name}", low, high)


async def list_faults(request: web.Request) -> web.Response:
    """The faults that are on, with their hits."""
    return web.json_response(request.app[CORE].faults.all())


async def end_faults(request: web.Request) -> web.Response:
    """End all faults, or the one named."""
    fault_id = request.match_info.get("id")
    ended = request.app[CORE].faults.end(fault_id)
    if fault_id and not ended:
        raise Refusal("id", "there is no such fault", 404)
    return web.json_response({"ended": ended})


# ── marketplace accounts ─────────────────────────────────────────────────────────────────────────────────────────────


def _account(request: web.Request) -> tuple[Amazon, str]:
    if request.match_info["platform"] != "amazon":
        raise Refusal("platform", "this sandbox has the marketplace amazon", 404)
    amazon, key = request.app[AMAZON], request.match_info["key"]
    if key not in amazon.state.sellers:
        raise Refusal("key", f"there is no seller {key}", 404)
    return amazon, key


def _order(request: web.Request) -> Doc:
    amazon, key = _account(request)
    order = amazon.state.order(key, request.match_info["id"])
    if order is None:
        raise Refusal("id", "this seller has no such order", 404)
    return order


_ORDER_FIELDS = (
    "lines", "site", "currency", "status", "fulfilled_by", "buyer", "count", "discount", "shipping", "tax", "gift_wrap",
    "customization", "replacement_of", "mode", "programs",
)  # fmt: skip


async def place_orders(request: web.Request) -> web.Response:
    """Buyers place orders."""
    _, key = _account(request)
    body = await read_body(request, *_ORDER_FIELDS)
    return web.json_response({"ids": request.app[BUYERS].place(key, body)})


async def change_order(request: web.Request) -> web.Response:
    """The order's life goes on at the marketplace."""
    order = _order(request)
    request.app[BUYERS].change(order, await read_body(request))
    return web.json_response(order_view(order))


async def get_order(request: web.Request) -> web.Response:
    """An order as the marketplace knows it."""
    return web.json_response(order_view(_order(request)))


async def list_orders(request: web.Request) -> web.Response:
    """The seller's orders, newest first."""
    amazon, key = _account(request)
    limit = whole(request.query.get("limit", "100"), "limit", 1, _LARGEST)
    start = whole(request.query.get("cursor", "0") or "0", "cursor", 0, 2**40)
    index = amazon.state.by_created[key]
    newest = index[::-1][start : start + limit]
    rows = [order_view(amazon.state.orders[order_id]) for _, order_id in newest]
    return web.json_response({"results": rows, "next": str(start + limit) if start + limit < len(index) else None})


def order_view(order: Doc) -> Doc:
    """Return an order in the control API's words."""
    currency = order["currency"]
    return {
        "id": order["id"],
        "status": WORDS[order["status"]],
        "site": order["site"],
        "fulfilled_by": order["fulfilled_by"],
        "created_at": order["created_at"],
        "updated_at": order["updated_at"],
        "lines": [
            {
                "id": line["item_id"],
                "sku": line["sku"],
                "title": line["title"],
                "quantity": line["quantity"],
                "shipped": line["shipped"],
                "unit_price": line["unit_price"],
                "total": amount(line_total(line), currency),
            }
            for line in order["lines"]
        ],
        "total": amount(total(order), currency),
        "currency": currency,
        "shipments": [
            {"reference": p["reference"], "carrier": p["carrier"], "tracking": p["tracking"], "items": p["items"]}
            for p in order["packages"]
        ],
        "canceled": order.get("canceled"),
        "refunds": order["refunds"],
    }


async def listings(request: web.Request) -> web.Response:
    """The seller's listings."""
    amazon, key = _account(request)
    sku = request.query.get("sku")
    rows = [
        {
            "sku": doc["sku"],
            "title": doc["title"],
            "asin": doc["asin"],
            "quantity": doc["quantity"],
            "price": next(iter(doc["prices"].values())),
            "prices": doc["prices"],
            "fulfilled_by": doc["fulfilled_by"],
            "version": doc["version"],
            "updated_at": doc["updated_at"],
        }
        for doc in amazon.state.listings_of[key]
        if sku is None or doc["sku"] == sku
    ]
    return web.json_response(rows)


async def revoke(request: web.Request) -> web.Response:
    """The seller withdraws access."""
    amazon, key = _account(request)
    await read_body(request)
    amazon.revoke(key)
    return web.json_response({"revoked": key})


async def add_account(request: web.Request) -> web.Response:
    """A further seller who has agreed to our application (benches): copies another one's listings."""
    body = await read_body(request, "name", "region", "sites", "like")
    amazon, key = request.app[AMAZON], request.match_info["key"]
    if request.match_info["platform"] != "amazon":
        raise Refusal("platform", "this sandbox has the marketplace amazon", 404)
    if not key.isalnum() or not 8 <= len(key) <= 20:
        raise Refusal("key", "8 to 20 letters and digits are wanted")
    if key in amazon.state.sellers:
        raise Refusal("key", "this seller exists", 409)
    region = text_field(body, "region", REGIONS, "na")
    sites = body.get("sites", ["US"])
    if not isinstance(sites, list) or not sites or any(s not in SITES or SITES[s].region != region for s in sites):
        raise Refusal("sites", f"a list of sites of the region {region} is wanted")
    like = text_field(body, "like", [seller["key"] for seller in catalog.sellers()], "A1NORTHPINEUS")
    name = text_field(body, "name", (), key)
    amazon.state.add_seller(key, name, region, sites, like)
    return web.json_response({"key": key, "refresh_token": amazon.new_refresh_token(key)})


# ── stores: the platform's own module knows how ──────────────────────────────────────────────────────────────────────


def _answer(result: tuple[int, Any]) -> web.Response:
    status, body = result
    return web.json_response(body, status=status)


async def add_store(request: web.Request) -> web.Response:
    """A further shop with the app installed (benches): copies a demo shop's goods."""
    return _answer(request.app[STORES].add_shop(request.match_info["key"], await read_body(request)))


async def get_variants(request: web.Request) -> web.Response:
    """The store's variants."""
    return _answer(request.app[STORES].variants(request.match_info["key"], dict(request.query)))


async def put_variant(request: web.Request) -> web.Response:
    """Change a variant as the merchant would."""
    stores = request.app[STORES]
    return _answer(stores.put_variant(request.match_info["key"], dict(request.query), await read_body(request)))


async def add_variant(request: web.Request) -> web.Response:
    """A new product."""
    return _answer(request.app[STORES].add_variant(request.match_info["key"], await read_body(request)))


async def get_store_orders(request: web.Request) -> web.Response:
    """The store's orders."""
    return _answer(request.app[STORES].orders(request.match_info["key"], dict(request.query)))


async def store_order_action(request: web.Request) -> web.Response:
    """Ship, cancel or refund a store order as the merchant would."""
    found = request.match_info
    body = await read_body(request)
    return _answer(request.app[STORES].order_action(found["key"], found["id"], found["action"], body))


async def store_action(request: web.Request) -> web.Response:
    """What else the merchant or the platform does to a store; the store's module knows the actions."""
    found = request.match_info
    return _answer(request.app[STORES].store_action(found["key"], found["action"], await read_body(request)))


_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/reset", reset),
    ("GET", "/writes", writes),
    ("GET", "/calls", calls),
    ("GET", "/limits", get_limits),
    ("POST", "/limits", set_limits),
    ("POST", "/clock", clock),
    ("POST", "/latency", latency),
    ("POST", "/traffic", set_traffic),
    ("GET", "/traffic", get_traffic),
    ("POST", "/roles", roles),
    ("GET", "/endpoints", endpoints),
    ("GET", "/mail", list_mail),
    ("POST", "/faults", add_fault),
    ("GET", "/faults", list_faults),
    ("DELETE", "/faults", end_faults),
    ("DELETE", "/faults/{id}", end_faults),
    ("PUT", "/accounts/{platform}/{key}", add_account),
    ("POST", "/accounts/{platform}/{key}/orders", place_orders),
    ("GET", "/accounts/{platform}/{key}/orders", list_orders),
    ("GET", "/accounts/{platform}/{key}/orders/{id}", get_order),
    ("PATCH", "/accounts/{platform}/{key}/orders/{id}", change_order),
    ("GET", "/accounts/{platform}/{key}/listings", listings),
    ("POST", "/accounts/{platform}/{key}/revoke", revoke),
    ("PUT", "/stores/{key}", add_store),
    ("GET", "/stores/{key}/variants", get_variants),
    ("PUT", "/stores/{key}/variants", put_variant),
    ("POST", "/stores/{key}/variants", add_variant),
    ("GET", "/stores/{key}/orders", get_store_orders),
    ("POST", "/stores/{key}/orders/{id:.+}/{action:ship|cancel|refund}", store_order_action),
    ("POST", "/stores/{key}/{action:[a-z-]+}", store_action),
)
