"""The pretend control panel: orders, products and stock, apps, settings, the frame an app lives in; and the app market.

Every page works without script; forms are guarded as the sandbox's own pages are.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from connectors.sandbox import pages
from connectors.sandbox.bigcommerce import hooks, merchant, oauth, order_life, order_shapes, stock, tokens, totals
from connectors.sandbox.bigcommerce.control import variant_view
from connectors.sandbox.bigcommerce.face import BIGCOMMERCE, Context
from connectors.sandbox.bigcommerce.order_input import STATUSES
from connectors.sandbox.bigcommerce.state import CODES, PLANS, Doc, key_of
from connectors.sandbox.platforms import Refusal

ORDERS_A_PAGE = 50
VARIANTS_A_PAGE = 25
_HERE = Path(__file__).parent
_MANAGE = "/bigcommerce/store-{hash:[a-z0-9]+}/manage"
_CSP = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-src {frames}; frame-ancestors 'self'"
)
_SIGNS = {"USD": "$", "GBP": "£", "EUR": "€"}


def _money(amount: Any, currency: str = "USD") -> str:
    text = f"{float(amount):,.2f}"
    return f"{_SIGNS[currency]}{text}" if currency in _SIGNS else f"{text} {currency}"


def _render(
    request: web.Request, name: str, *, status: int = 200, frames: str = "'none'", **values: Any
) -> web.Response:
    """Return a page of the pretend BigCommerce; `frames` names the origin that may be framed in it."""
    face = request.app[BIGCOMMERCE]
    response = pages.render(
        request,
        f"bigcommerce_{name}.html",
        status=status,
        app_name=face.app_name,
        said=request.query.get("said", "")[:200],
        wrong="wrong" in request.query,
        money=_money,
        **values,
    )
    response.headers["Content-Security-Policy"] = _CSP.format(frames=frames)
    return response


def _context(request: web.Request) -> Context:
    """Return a context of the merchant's own hands in the store of the address; 404 when there is none."""
    face = request.app[BIGCOMMERCE]
    if request.match_info["hash"] not in face.state.stores:
        raise web.HTTPNotFound(text="There is no such store.")
    return face.context(request.match_info["hash"], by_merchant=True)


def _finish(context: Context) -> None:
    context.face.finish(context)
    context.face.core.world.commit()


def _start(request: web.Request) -> int:
    text = request.query.get("start", "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def _manage(context: Context, tail: str) -> str:
    return f"/bigcommerce/store-{context.hash}/manage/{tail}"


# Orders


async def home(request: web.Request) -> web.Response:
    """The control panel opens on its orders."""
    raise web.HTTPFound(_manage(_context(request), "orders"))


async def orders(request: web.Request) -> web.Response:
    """The list of orders, newest first, with a search by number, external id, name and e-mail."""
    context = _context(request)
    query = request.query.get("q", "").strip()
    rows = context.state.orders_of[context.hash]
    if query:
        exact = context.state.by_reference.get((context.hash, query))
        rows = exact or [doc for doc in rows if query.casefold() in _words(doc)]
    rows = [doc for doc in rows if not doc["is_deleted"]]
    start = _start(request)
    shown = [
        {
            "id": doc["id"],
            "status": STATUSES[doc["status_id"]],
            "tone": _tone(doc["status_id"]),
            "total": _money(totals.of(doc)["total_inc_tax"], doc["currency_code"]),
            "when": _when(doc["date_created"]),
            "name": _person(doc["billing_address"]),
            "reference": doc["external_order_id"],
        }
        for doc in rows[::-1][start : start + ORDERS_A_PAGE]
    ]
    return _render(
        request,
        "orders",
        store=context.store,
        tab="orders",
        q=query,
        rows=shown,
        start=start,
        size=ORDERS_A_PAGE,
        found=len(rows),
    )


def _words(doc: Doc) -> str:
    home = doc["billing_address"]
    return f"{doc['id']} {doc['external_order_id']} {_person(home)} {home['email']}".casefold()


def _person(home: Doc) -> str:
    return f"{home['first_name']} {home['last_name']}".strip() or str(home["company"])


def _when(iso: str) -> str:
    return f"{iso[:10]} {iso[11:16]} UTC" if iso else ""


def _tone(status: int) -> str:
    tones = {0: "incomplete", 2: "shipped", 3: "partial", 4: "canceled", 5: "canceled", 6: "canceled", 10: "shipped"}
    return tones.get(status, "paid")


def _order(request: web.Request, context: Context) -> Doc:
    doc = context.state.orders.get(key_of(context.hash, request.match_info["id"]))
    if doc is None:
        raise web.HTTPNotFound(text="There is no such order.")
    return doc


async def order(request: web.Request) -> web.Response:
    """One order: lines, staff notes, source, external id, and what the merchant can do with it."""
    context = _context(request)
    doc = _order(request, context)
    sums = {name: _money(value, doc["currency_code"]) for name, value in totals.of(doc).items()}
    labels = {str(place["id"]): place["label"] for place in context.state.locations_of[context.hash]}
    lines = [
        {
            **line,
            "unit": _money(line["price"]["inc"], doc["currency_code"]),
            "sum": _money(float(line["price"]["inc"]) * line["quantity"], doc["currency_code"]),
            "places": [f"{n} from {labels.get(place, place)}" for place, n in line["taken"].items()],
        }
        for line in doc["lines"]
    ]
    left = any(line["quantity"] - line["back"] - line["shipped"] for line in doc["lines"])
    ended = doc["status_id"] in (stock.CANCELED, stock.DECLINED, stock.REFUNDED)
    return _render(
        request,
        "order",
        store=context.store,
        tab="orders",
        order=doc,
        said_status=STATUSES[doc["status_id"]],
        statuses=list(enumerate(STATUSES)),
        tone=_tone(doc["status_id"]),
        when=_when(doc["date_created"]),
        lines=lines,
        sums=sums,
        discount=_money(doc["money"].get("discount_amount", 0), doc["currency_code"]),
        fees=[
            {"name": fee["display_name_customer"], "sum": _money(fee["inc"], doc["currency_code"])}
            for fee in doc["fees"]
        ],
        channel=next(
            (row["name"] for row in context.state.channels_of[context.hash] if row["id"] == doc["channel_id"]), ""
        ),
        shipments=[
            {**entry, "carrier": _carrier(entry), "when": _when(entry["date_created"])} for entry in doc["shipments"]
        ],
        refunds=[
            {"sum": _money(entry["amount"], doc["currency_code"]), "when": _when(entry["created"])}
            for entry in doc["refunds"]
        ],
        can_ship=left and not ended,
        can_refund=order_life.refundable(doc) > 0,
        tracking_hint=f"1Z{doc['id']:016d}",
        archived=doc["is_deleted"],
    )


def _carrier(entry: Doc) -> str:
    return order_shapes.PROVIDERS.get(entry["shipping_provider"]) or entry["tracking_carrier"] or "no carrier"


def _ship(context: Context, doc: Doc, form: Mapping[str, str]) -> str:
    body: Doc = {"carrier": form.get("carrier", "").strip(), "tracking": form.get("tracking", "").strip()}
    if form.get("line") or form.get("units"):
        row: Doc = {"id": form.get("line") or str(doc["lines"][0]["id"])}
        body["lines"] = [{**row, "quantity": _units(form["units"], "units")} if form.get("units") else row]
    merchant.ship(context, doc, body)
    return "Shipped. The app is told."


def _status(context: Context, doc: Doc, form: Mapping[str, str]) -> str:
    number = _units(form.get("status", ""), "status")
    if not 0 <= number < len(STATUSES):
        raise Refusal("status", "there is no such status")
    order_life.set_status(context, doc, number)
    return f"The order is {STATUSES[number]}. The app is told."


def _refund(context: Context, doc: Doc, form: Mapping[str, str]) -> str:
    amount = form.get("amount", "").strip()
    merchant.refund(context, doc, {"amount": amount} if amount else {})
    return "Refunded. The app is told."


def _archive(context: Context, doc: Doc, form: Mapping[str, str]) -> str:
    order_life.archive(context, doc)
    return "The order is archived. The app is told."


_ACTS = {"ship": _ship, "status": _status, "refund": _refund, "archive": _archive}


async def act_on_order(request: web.Request) -> web.Response:
    """Ship, change the status, refund or archive."""
    form = await pages.form(request)
    context = _context(request)
    doc = _order(request, context)
    act = _ACTS.get(form.get("act", ""))
    if act is None:
        raise web.HTTPBadRequest(text="Unknown action.")
    try:
        said = act(context, doc, form)
    except Refusal as refusal:
        raise pages.back(request.path, _sentence(refusal), wrong=True) from None
    _finish(context)
    raise pages.back(request.path, said)


def _sentence(refusal: Refusal) -> str:
    return f"{refusal.field.replace('_', ' ').capitalize()} {refusal}."


# Products


async def products(request: web.Request) -> web.Response:
    """Variants with their stock, each with a form of its own."""
    context = _context(request)
    query = request.query.get("q", "").strip()
    words = query.casefold().split()
    rows = [doc for doc in context.state.variants_of[context.hash] if _has(context, doc, words)]
    start = _start(request)
    shown = [variant_view(context, doc) for doc in rows[start : start + VARIANTS_A_PAGE]]
    return _render(
        request,
        "products",
        store=context.store,
        tab="products",
        q=query,
        rows=shown,
        found=len(rows),
        start=start,
        size=VARIANTS_A_PAGE,
    )


def _has(context: Context, variant: Doc, words: list[str]) -> bool:
    product = context.state.product_of(variant)
    text = f"{product['name']} {' '.join(variant['options'].values())} {variant['sku']} {variant['upc']}".casefold()
    return all(word in text for word in words)


async def product(request: web.Request) -> web.Response:
    """A product's own page is the list, searched for it."""
    context = _context(request)
    doc = context.state.products.get(key_of(context.hash, request.match_info["id"]))
    if doc is None:
        raise web.HTTPNotFound(text="There is no such product.")
    raise web.HTTPFound(f"{_manage(context, 'products')}?{urlencode({'q': doc['name']})}")


async def change_product(request: web.Request) -> web.Response:
    """Save one variant's form: what differs is changed, as the merchant would."""
    form = await pages.form(request)
    context = _context(request)
    variant = context.state.variants.get(key_of(context.hash, form.get("id", "")))
    if variant is None:
        raise web.HTTPNotFound(text="There is no such variant.")
    place = {"q": form.get("q", ""), "start": form.get("start", "0")}
    try:
        changed = _save_variant(context, variant, form)
    except Refusal as refusal:
        raise pages.back(request.path, _sentence(refusal), place, wrong=True) from None
    _finish(context)
    raise pages.back(
        request.path, f"{variant['sku'] or 'The variant'} is saved." if changed else "Nothing was changed.", place
    )


def _save_variant(context: Context, variant: Doc, form: Mapping[str, str]) -> bool:
    shown = variant_view(context, variant)
    body: Doc = {}
    for ours, field in (("price", "price"), ("new_sku", "sku"), ("status", "status"), ("tracking", "tracking")):
        if ours in form and form[ours].strip() != shown[field]:
            body[ours] = form[ours].strip()
    moved = []
    for level in shown["locations"]:
        name = f"at:{level['id']}"
        if name in form and _units(form[name], "available") != level["available"]:
            moved.append({"available": _units(form[name], "available"), "location": level["id"]})
    if body:
        merchant.change_variant(context, variant, body)
    for change in moved:
        merchant.change_variant(context, variant, change)
    return bool(body or moved)


def _units(text: str, field: str) -> int:
    try:
        return merchant.whole(int(text), field)
    except ValueError:
        raise Refusal(field, "must be a whole number") from None


# Settings


async def settings(request: web.Request) -> web.Response:
    """The store's plan and when orders move stock."""
    context = _context(request)
    return _render(
        request,
        "settings",
        store=context.store,
        tab="settings",
        plans=list(PLANS.items()),
        places=context.state.locations_of[context.hash],
    )


async def change_settings(request: web.Request) -> web.Response:
    """Save the settings."""
    form = await pages.form(request)
    context = _context(request)
    body: Doc = {name: form[name] for name in ("plan", "update_stock_behavior") if name in form}
    body["refund_order_stock_adjustment"] = bool(form.get("refund_order_stock_adjustment"))
    try:
        merchant.settings(context, body)
    except Refusal as refusal:
        raise pages.back(request.path, _sentence(refusal), wrong=True) from None
    _finish(context)
    raise pages.back(request.path, "Settings are saved.")


# Apps


async def market(request: web.Request) -> web.Response:
    """The app market's page of our app: one row a store."""
    face = request.app[BIGCOMMERCE]
    rows = [
        {
            "hash": store["hash"],
            "name": store["name"],
            "products": len(face.state.products_of[store["hash"]]),
            "installed": tokens.installed(face.core.world, store["hash"]) is not None,
        }
        for store in face.state.in_order()
    ]
    return _render(request, "market", stores=rows)


async def consent(request: web.Request) -> web.Response:
    """What the app asks for."""
    context = _context(request)
    return _render(request, "consent", store=context.store, words=tokens.words(" ".join(tokens.DEFAULT_SCOPES)))


async def decide(request: web.Request) -> web.Response:
    """Agree: the control panel opens the app's callback in its frame."""
    form = await pages.form(request)
    context = _context(request)
    if form.get("answer") != "install":
        raise web.HTTPSeeOther("/bigcommerce/apps")
    user = oauth.user_named(context.store, form.get("user", ""))
    address = oauth.install_address(context.face, context.hash, user)
    context.face.core.world.commit()
    raise web.HTTPSeeOther(f"{_manage(context, 'app')}?{address.partition('?')[2]}")


async def apps(request: web.Request) -> web.Response:
    """The installed app: what it may do, what it is told, who may open it, and the Uninstall button."""
    context = _context(request)
    install = tokens.installed(context.face.core.world, context.hash)
    removed = install["removed"] if install else []
    return _render(
        request,
        "apps",
        store=context.store,
        tab="apps",
        installed=install is not None,
        words=tokens.words(install["scope"]) if install else [],
        hooks=hooks.of_store(context.face.core.world, context.hash),
        users=[{**user, "removed": user["id"] in removed} for user in context.store["users"]],
    )


async def act_on_apps(request: web.Request) -> web.Response:
    """Uninstall the app, or take it from a user, or give it back."""
    form = await pages.form(request)
    context = _context(request)
    world, act = context.face.core.world, form.get("act")
    user = oauth.user_named(context.store, form.get("user", ""))
    if act == "uninstall":
        oauth.uninstall(context.face, context.hash)
        said = "The app is taken off this store, and told so."
    elif act == "remove" and user is not None:
        oauth.remove_user(context.face, context.hash, user)
        said = f"{user['username']} may no longer open the app."
    elif act == "restore" and user is not None:
        install = tokens.installed(world, context.hash)
        tokens.remember_removed(
            world, context.hash, [n for n in (install or {"removed": []})["removed"] if n != user["id"]]
        )
        said = f"{user['username']} may open the app again."
    else:
        raise web.HTTPBadRequest(text="Unknown action.")
    world.commit()
    raise pages.back(request.path, said)


async def frame(request: web.Request) -> web.Response:
    """The app in the control panel's frame: at its install callback while a code is fresh, else at its load callback."""
    face = request.app[BIGCOMMERCE]
    context = _context(request)
    if request.match_info.get("app", face.app_id) != face.app_id:
        raise web.HTTPNotFound(text="There is no such app.")
    world, query = face.core.world, request.query
    install = tokens.installed(world, context.hash)
    user = oauth.user_named(context.store, query.get("user", "")) or context.store["users"][0]
    code = world.table(CODES).get(query.get("code", ""))
    if code is not None and code["store"] == context.hash:
        names = ("code", "scope", "context", "account_uuid")
        source = f"{oauth.callback(face, 'auth')}?{urlencode({name: query.get(name, '') for name in names})}"
        user = oauth.user_named(context.store, str(code["user"]["id"])) or user
    elif install is None:
        raise web.HTTPFound(_manage(context, "apps"))
    elif user["id"] in install["removed"]:
        raise pages.back(_manage(context, "apps"), f"{user['username']} may not open the app.", wrong=True)
    else:
        path = query.get("path", "/")
        source = oauth.load_address(face, context.hash, user, path if path.startswith("/") else "/")
    return _render(
        request,
        "frame",
        frames=face.core.web_url,
        store=context.store,
        source=source,
        users=context.store["users"],
        user=user,
    )


async def style(request: web.Request) -> web.Response:
    """The pages' own few rules, on top of the project's theme."""
    body = (_HERE / "templates" / "bigcommerce.css").read_bytes()
    return web.Response(body=body, content_type="text/css", headers={"Cache-Control": "max-age=300"})


def setup_panel(app: web.Application) -> None:
    """Add the pages' routes."""
    pages.add_templates(_HERE / "templates")
    add = app.router
    add.add_get("/bigcommerce/_static/bigcommerce.css", style)
    add.add_get("/bigcommerce/apps", market)
    add.add_get("/bigcommerce/apps/{hash:[a-z0-9]+}/install", consent)
    add.add_post("/bigcommerce/apps/{hash:[a-z0-9]+}/install", decide)
    for tail in ("", "/", "/dashboard"):
        add.add_get(f"{_MANAGE}{tail}", home)
    add.add_get(f"{_MANAGE}/orders", orders)
    add.add_get(_MANAGE + r"/orders/{id:\d+}", order)
    add.add_post(_MANAGE + r"/orders/{id:\d+}", act_on_order)
    add.add_get(f"{_MANAGE}/products", products)
    add.add_post(f"{_MANAGE}/products", change_product)
    add.add_get(_MANAGE + r"/products/edit/{id:\d+}", product)
    add.add_get(_MANAGE + r"/products/{id:\d+}/edit", product)
    add.add_get(f"{_MANAGE}/settings", settings)
    add.add_post(f"{_MANAGE}/settings", change_settings)
    add.add_get(f"{_MANAGE}/apps", apps)
    add.add_post(f"{_MANAGE}/apps", act_on_apps)
    add.add_get(f"{_MANAGE}/app", frame)
    # The address real control panels open an app at; there is one app here.
    add.add_get(_MANAGE + r"/app/{app:\d+}", frame)
