"""The pretend store's admin: orders, products and stock, apps, settings, and the frame an embedded app lives in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from connectors.sandbox.by_hand import sentence, start_of, units
from connectors.sandbox.platforms import Refusal
from connectors.sandbox.server import CORE
from connectors.sandbox.shopify import hooks, merchant, money, oauth, pages, payloads_shop, search
from connectors.sandbox.shopify.context import Context
from connectors.sandbox.shopify.face import RESTORE, SHOPIFY
from connectors.sandbox.shopify.state import INSTALLS, Doc, number_of

ORDERS_A_PAGE = 50
VARIANTS_A_PAGE = 25


def _context(request: web.Request) -> Context:
    """Return a context of the merchant's own hands in the shop of the address; 404 when there is none."""
    face = request.app[SHOPIFY]
    shop = request.match_info["shop"]
    if shop not in face.state.shops:
        raise web.HTTPNotFound(text="There is no such shop.")
    context = face.context(shop)
    context.by_merchant = True
    return context


def _finish(request: web.Request, context: Context) -> None:
    request.app[SHOPIFY].finish(context)
    context.world.commit()


async def home(request: web.Request) -> web.Response:
    """The admin opens on its orders."""
    _context(request)
    raise web.HTTPFound(f"/shopify/{request.match_info['shop']}/admin/orders")


async def orders(request: web.Request) -> web.Response:
    """The list of orders, newest first, with a search in Shopify's syntax."""
    context = _context(request)
    query = request.query.get("q", "").strip()
    found = search.search(context, query, search.ORDER_FIELDS)
    everything = context.state.orders_of[context.shop]
    chosen = [doc for doc in (found.start if found.start is not None else everything) if found.test(doc)]
    chosen.reverse()
    start = start_of(request.query.get("start", "0"))
    return pages.render(
        request,
        "orders.html",
        shop=context.shop_doc,
        tab="orders",
        q=query,
        rows=chosen[start : start + ORDERS_A_PAGE],
        start=start,
        size=ORDERS_A_PAGE,
        found=len(chosen),
        total=len(everything),
    )


def _order(request: web.Request, context: Context) -> Doc:
    order = context.order(f"gid://shopify/Order/{request.match_info['id']}")
    if order is None:
        raise web.HTTPNotFound(text="There is no such order.")
    return order


async def order(request: web.Request) -> web.Response:
    """One order: lines, places, shipments, refunds, and what the merchant can do with it."""
    context = _context(request)
    return _order_page(request, context, _order(request, context))


def _order_page(request: web.Request, context: Context, doc: Doc, problem: str = "") -> web.Response:
    lines = {line["id"]: line for line in doc["lines"]}
    sums = {
        line["id"]: str(money.load(line["price"])[0] * line["quantity"] - money.load(line["discount"])[0])
        for line in doc["lines"]
    }
    parts = [
        {
            "place": context.state.locations[part["location"]]["name"],
            "status": part["status"].replace("_", " ").capitalize(),
            "lines": [
                {**line, "sku": lines[line["line"]]["sku"] or lines[line["line"]]["title"]} for line in part["lines"]
            ],
        }
        for part in doc["fulfillmentOrders"]
    ]
    shipments = [
        {
            "name": entry["name"],
            "carrier": entry["tracking"][0]["company"] if entry["tracking"] else None,
            "number": entry["tracking"][0]["number"] if entry["tracking"] else None,
            "units": sum(part["quantity"] for part in entry["lines"]),
        }
        for entry in doc["fulfillments"]
    ]
    canceled = bool(doc.get("cancelledAt"))
    to_ship = any(line["remaining"] for part in doc["fulfillmentOrders"] for line in part["lines"])
    return pages.render(
        request,
        "order.html",
        status=409 if problem else 200,
        shop=context.shop_doc,
        tab="orders",
        order=doc,
        sums=sums,
        parts=parts,
        shipments=shipments,
        canceled=canceled,
        open=True,
        can_ship=to_ship and not canceled,
        can_cancel=not canceled and not doc["fulfillments"],
        tracking_hint=f"1Z{number_of(doc['id']):016d}",
        home=doc["shippingAddress"],
        problem=problem,
    )


def _ship(context: Context, doc: Doc, form: Mapping[str, str]) -> str:
    body: Doc = {"carrier": form.get("carrier", "").strip(), "tracking": form.get("tracking", "").strip()}
    if form.get("sku") or form.get("units"):
        sku = form.get("sku") or doc["lines"][0]["sku"]
        body["lines"] = [{"sku": sku, **({"quantity": units(form["units"], "units")} if form.get("units") else {})}]
    merchant.ship(context, doc, body)
    return "Shipped. The app is told."


def _cancel(context: Context, doc: Doc, form: Mapping[str, str]) -> str:
    merchant.cancel(context, doc, {"restock": bool(form.get("restock"))})
    return "Canceled. The app is told."


def _refund(context: Context, doc: Doc, form: Mapping[str, str]) -> str:
    amount = form.get("amount", "").strip()
    merchant.refund(context, doc, {"amount": amount} if amount else {})
    return "Refunded. The app is told."


_ACTS = {"ship": _ship, "cancel": _cancel, "refund": _refund}


async def act_on_order(request: web.Request) -> web.Response:
    """Ship, cancel, refund or delete."""
    form = await pages.checked_form(request)
    context = _context(request)
    doc = _order(request, context)
    if form.get("act") == "delete":
        context.state.remove_order(doc)
        context.tell("ORDERS_DELETE", lambda: payloads_shop.deleted(doc["id"]))
        _finish(request, context)
        raise web.HTTPFound(f"/shopify/{context.shop}/admin/orders?{urlencode({'said': doc['name'] + ' is deleted.'})}")
    act = _ACTS.get(form.get("act", ""))
    if act is None:
        raise web.HTTPBadRequest(text="Unknown action.")
    try:
        said = act(context, doc, form)
    except Refusal as refusal:
        return _order_page(request, context, doc, sentence(refusal))
    _finish(request, context)
    raise pages.back(request, said)


# Products


async def products(request: web.Request) -> web.Response:
    """Variants with their stock, each with a form of its own."""
    return _products_page(request, _context(request))


def _products_page(request: web.Request, context: Context, problem: str = "") -> web.Response:
    query = request.query.get("q", "").strip()
    words = query.casefold().split()
    rows = [doc for _, doc in context.state.variants_of[context.shop] if _has(context, doc, words)]
    start = start_of(request.query.get("start", "0"))
    shown = [_variant_row(context, doc) for doc in rows[start : start + VARIANTS_A_PAGE]]
    return pages.render(
        request,
        "products.html",
        status=400 if problem else 200,
        shop=context.shop_doc,
        tab="products",
        q=query,
        rows=shown,
        found=len(rows),
        start=start,
        size=VARIANTS_A_PAGE,
        problem=problem,
    )


def _has(context: Context, variant: Doc, words: list[str]) -> bool:
    product = context.state.products[variant["product"]]
    text = f"{product['title']} {variant['title']} {variant['sku']} {variant['barcode'] or ''}".casefold()
    return all(word in text for word in words)


def _variant_row(context: Context, variant: Doc) -> Doc:
    product = context.state.products[variant["product"]]
    plain = variant["options"] == {"Title": "Default Title"}
    return {
        "id": variant["id"],
        "number": number_of(variant["id"]),
        "title": product["title"],
        "options": "" if plain else variant["title"],
        "sku": variant["sku"],
        "barcode": variant["barcode"],
        "price": variant["price"],
        "status": product["status"].lower(),
        "tracked": variant["tracked"],
        "policy": variant["inventoryPolicy"],
        "bundle": bool(variant["components"]),
        "levels": [
            {
                "location": number_of(level["location"]),
                "name": context.state.locations[level["location"]]["name"],
                "available": level["available"],
            }
            for level in context.state.stock_of(variant)
        ],
    }


async def change_product(request: web.Request) -> web.Response:
    """Save one variant's form: what differs is changed, as the merchant would."""
    form = await pages.checked_form(request)
    context = _context(request)
    variant = context.state.variants.get(form.get("id", ""))
    if variant is None or variant["shop"] != context.shop:
        raise web.HTTPNotFound(text="There is no such variant.")
    try:
        changed = _save_variant(context, variant, form)
    except Refusal as refusal:
        return _products_page(request, context, sentence(refusal))
    _finish(request, context)
    said = f"{variant['sku'] or 'The variant'} is saved." if changed else "Nothing was changed."
    query = {"q": form.get("q", ""), "start": form.get("start", "0"), "said": said}
    raise web.HTTPFound(f"{request.path}?{urlencode(query)}#v{number_of(variant['id'])}")


def _save_variant(context: Context, variant: Doc, form: Mapping[str, str]) -> bool:
    body: Doc = {}
    if "price" in form and merchant.price(form["price"]) != variant["price"]:
        body["price"] = form["price"]
    if "new_sku" in form and form["new_sku"].strip() != variant["sku"]:
        body["new_sku"] = form["new_sku"].strip()
    if "policy" in form and form["policy"].upper() != variant["inventoryPolicy"]:
        body["policy"] = form["policy"]
    if "tracked" in form and (form["tracked"] == "yes") != variant["tracked"]:
        body["tracked"] = form["tracked"] == "yes"
    levels = [
        (level, units(form[f"at:{number_of(level['location'])}"], "available"))
        for level in context.state.stock_of(variant)
        if f"at:{number_of(level['location'])}" in form
    ]
    if body:
        merchant.change_variant(context, variant, body)
    moved = [(level, wanted) for level, wanted in levels if wanted != level["available"]]
    for level, wanted in moved:
        merchant.change_variant(context, variant, {"available": wanted, "location": level["location"]})
    return bool(body or moved)


# Settings and apps


async def settings(request: web.Request) -> web.Response:
    """The pretend store's plan and switches."""
    context = _context(request)
    plans = [(name, int(RESTORE[name])) for name in merchant.PLANS]
    places = context.state.locations_of[context.shop]
    return pages.render(request, "settings.html", shop=context.shop_doc, tab="settings", plans=plans, places=places)


async def change_settings(request: web.Request) -> web.Response:
    """Save the settings."""
    form = await pages.checked_form(request)
    context = _context(request)
    body = {
        "plan": form.get("plan"),
        "id_metafield": form.get("id_metafield"),
        "bulk_operations": bool(form.get("bulk_operations")),
    }
    try:
        merchant.settings(context, body)
    except Refusal as refusal:
        raise web.HTTPBadRequest(text=sentence(refusal)) from None
    _finish(request, context)
    raise pages.back(request, "Settings are saved.")


async def apps(request: web.Request) -> web.Response:
    """The installed app: what it may do, what it is told, and the Uninstall button."""
    context = _context(request)
    install = context.world.table(INSTALLS).get(context.shop) or {"scopes": []}
    rows = [
        {"topic": hooks.topic_name(doc["topic"]), "uri": doc["uri"]}
        for doc in hooks.of_shop(context.world, context.shop)
    ]
    return pages.render(
        request,
        "apps.html",
        shop=context.shop_doc,
        tab="apps",
        scopes=pages.scope_words(install["scopes"]),
        hooks=rows,
    )


async def uninstall(request: web.Request) -> web.Response:
    """Take the app off the shop."""
    await pages.checked_form(request)
    context = _context(request)
    context.uninstall()
    _finish(request, context)
    raise pages.back(request, "The app is taken off this store.")


async def frame(request: web.Request) -> web.Response:
    """The embedded app: the admin's page with the app in a frame, opened by a signed query with a first session
    token."""
    face = request.app[SHOPIFY]
    context = _context(request)
    install = context.world.table(INSTALLS).get(context.shop)
    if not install or not install["scopes"]:
        raise web.HTTPFound(f"/shopify/{context.shop}/admin/apps")
    path = request.query.get("path", "")
    if not path.startswith("/") or path.startswith("//") or "\\" in path:
        path = "/shopify/app"
    path, _, rest = path.partition("?")
    query = {
        "embedded": "1",
        "host": oauth.host_of(context.shop),
        "id_token": oauth.session_token(face, context.shop),
        "locale": "en",
        "shop": context.shop,
        "timestamp": str(int(context.world.now().timestamp())),
    }
    # What the page itself asked for is signed with the rest, as Shopify signs the whole query.
    query.update((name, value) for name, value in parse_qsl(rest) if name not in ("hmac", *query))
    origin = request.app[CORE].web_url
    source = f"{origin}{path}?{urlencode(oauth.signed(query, face.client_secret))}"
    return pages.render(request, "frame.html", frames=origin, shop=context.shop_doc, source=source, web_origin=origin)


async def session_token(request: web.Request) -> web.Response:
    """A fresh session token for the frame's script: same origin only."""
    context = _context(request)
    if (
        request.headers.get("X-Sandbox-Frame") != "1"
        or request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin"
    ):
        raise web.HTTPForbidden(text="Only the admin's own frame may ask.")
    body = json.dumps({"token": oauth.session_token(request.app[SHOPIFY], context.shop)})
    return web.Response(text=body, content_type="application/json", headers={"Cache-Control": "no-store"})


def setup_admin(app: web.Application) -> None:
    """Add the admin's routes."""
    add = app.router
    add.add_get("/shopify/_static/{name:.+}", pages.static)
    add.add_get("/shopify/app-bridge.js", app_bridge)
    add.add_get("/shopify/{shop}/admin", home)
    add.add_get("/shopify/{shop}/admin/orders", orders)
    add.add_get("/shopify/{shop}/admin/orders/{id:\\d+}", order)
    add.add_post("/shopify/{shop}/admin/orders/{id:\\d+}", act_on_order)
    add.add_get("/shopify/{shop}/admin/products", products)
    add.add_post("/shopify/{shop}/admin/products", change_product)
    add.add_get("/shopify/{shop}/admin/settings", settings)
    add.add_post("/shopify/{shop}/admin/settings", change_settings)
    add.add_get("/shopify/{shop}/admin/apps", apps)
    add.add_post("/shopify/{shop}/admin/apps", uninstall)
    add.add_get("/shopify/{shop}/admin/apps/salestio", frame)
    add.add_get("/shopify/{shop}/admin/session-token", session_token)


async def app_bridge(request: web.Request) -> web.StreamResponse:
    """The stand-in for App Bridge, loaded by the app's own pages."""
    request.match_info["name"] = "app-bridge.js"
    return await pages.static(request)
