"""The pretend control panel: orders, products and stock, settings."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from connectors.sandbox import pages
from connectors.sandbox.bigcommerce import merchant, order_life, order_shapes, stock, totals
from connectors.sandbox.bigcommerce.control import variant_view
from connectors.sandbox.bigcommerce.face import Context
from connectors.sandbox.bigcommerce.order_input import STATUSES
from connectors.sandbox.bigcommerce.panel_pages import MANAGE, context_of, finish, manage, money, render
from connectors.sandbox.bigcommerce.state import PLANS, Doc, key_of
from connectors.sandbox.by_hand import sentence, start_of, units
from connectors.sandbox.platforms import Refusal

ORDERS_A_PAGE = 50
VARIANTS_A_PAGE = 25
# Orders


async def home(request: web.Request) -> web.Response:
    """The control panel opens on its orders."""
    raise web.HTTPFound(manage(context_of(request), "orders"))


async def orders(request: web.Request) -> web.Response:
    """The list of orders, newest first, with a search by number, external id, name and e-mail."""
    context = context_of(request)
    query = request.query.get("q", "").strip()
    rows = context.state.orders_of[context.hash]
    if query:
        exact = context.state.by_reference.get((context.hash, query))
        rows = exact or [doc for doc in rows if query.casefold() in _words(doc)]
    rows = [doc for doc in rows if not doc["is_deleted"]]
    start = start_of(request.query.get("start", "0"))
    shown = [
        {
            "id": doc["id"],
            "status": STATUSES[doc["status_id"]],
            "tone": _tone(doc["status_id"]),
            "total": money(totals.of(doc)["total_inc_tax"], doc["currency_code"]),
            "when": _when(doc["date_created"]),
            "name": _person(doc["billing_address"]),
            "reference": doc["external_order_id"],
        }
        for doc in rows[::-1][start : start + ORDERS_A_PAGE]
    ]
    return render(
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
    context = context_of(request)
    doc = _order(request, context)
    sums = {name: money(value, doc["currency_code"]) for name, value in totals.of(doc).items()}
    labels = {str(place["id"]): place["label"] for place in context.state.locations_of[context.hash]}
    lines = [
        {
            **line,
            "unit": money(line["price"]["inc"], doc["currency_code"]),
            "sum": money(float(line["price"]["inc"]) * line["quantity"], doc["currency_code"]),
            "places": [f"{n} from {labels.get(place, place)}" for place, n in line["taken"].items()],
        }
        for line in doc["lines"]
    ]
    left = any(line["quantity"] - line["back"] - line["shipped"] for line in doc["lines"])
    ended = doc["status_id"] in (stock.CANCELED, stock.DECLINED, stock.REFUNDED)
    return render(
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
        discount=money(doc["money"].get("discount_amount", 0), doc["currency_code"]),
        fees=[
            {"name": fee["display_name_customer"], "sum": money(fee["inc"], doc["currency_code"])}
            for fee in doc["fees"]
        ],
        channel=next(
            (row["name"] for row in context.state.channels_of[context.hash] if row["id"] == doc["channel_id"]), ""
        ),
        shipments=[
            {**entry, "carrier": _carrier(entry), "when": _when(entry["date_created"])} for entry in doc["shipments"]
        ],
        refunds=[
            {"sum": money(entry["amount"], doc["currency_code"]), "when": _when(entry["created"])}
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
        body["lines"] = [{**row, "quantity": units(form["units"], "units")} if form.get("units") else row]
    merchant.ship(context, doc, body)
    return "Shipped. The app is told."


def _status(context: Context, doc: Doc, form: Mapping[str, str]) -> str:
    number = units(form.get("status", ""), "status")
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
    context = context_of(request)
    doc = _order(request, context)
    act = _ACTS.get(form.get("act", ""))
    if act is None:
        raise web.HTTPBadRequest(text="Unknown action.")
    try:
        said = act(context, doc, form)
    except Refusal as refusal:
        raise pages.back(request.path, sentence(refusal), wrong=True) from None
    finish(context)
    raise pages.back(request.path, said)


# Products


async def products(request: web.Request) -> web.Response:
    """Variants with their stock, each with a form of its own."""
    context = context_of(request)
    query = request.query.get("q", "").strip()
    words = query.casefold().split()
    rows = [doc for doc in context.state.variants_of[context.hash] if _has(context, doc, words)]
    start = start_of(request.query.get("start", "0"))
    shown = [variant_view(context, doc) for doc in rows[start : start + VARIANTS_A_PAGE]]
    return render(
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
    context = context_of(request)
    doc = context.state.products.get(key_of(context.hash, request.match_info["id"]))
    if doc is None:
        raise web.HTTPNotFound(text="There is no such product.")
    raise web.HTTPFound(f"{manage(context, 'products')}?{urlencode({'q': doc['name']})}")


async def change_product(request: web.Request) -> web.Response:
    """Save one variant's form: what differs is changed, as the merchant would."""
    form = await pages.form(request)
    context = context_of(request)
    variant = context.state.variants.get(key_of(context.hash, form.get("id", "")))
    if variant is None:
        raise web.HTTPNotFound(text="There is no such variant.")
    place = {"q": form.get("q", ""), "start": form.get("start", "0")}
    try:
        changed = _save_variant(context, variant, form)
    except Refusal as refusal:
        raise pages.back(request.path, sentence(refusal), place, wrong=True) from None
    finish(context)
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
        if name in form and units(form[name], "available") != level["available"]:
            moved.append({"available": units(form[name], "available"), "location": level["id"]})
    if body:
        merchant.change_variant(context, variant, body)
    for change in moved:
        merchant.change_variant(context, variant, change)
    return bool(body or moved)


# Settings


async def settings(request: web.Request) -> web.Response:
    """The store's plan and when orders move stock."""
    context = context_of(request)
    return render(
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
    context = context_of(request)
    body: Doc = {name: form[name] for name in ("plan", "update_stock_behavior") if name in form}
    body["refund_order_stock_adjustment"] = bool(form.get("refund_order_stock_adjustment"))
    try:
        merchant.settings(context, body)
    except Refusal as refusal:
        raise pages.back(request.path, sentence(refusal), wrong=True) from None
    finish(context)
    raise pages.back(request.path, "Settings are saved.")


def setup_panel(app: web.Application) -> None:
    """Add the pages' routes."""
    add = app.router
    for tail in ("", "/", "/dashboard"):
        add.add_get(f"{MANAGE}{tail}", home)
    add.add_get(f"{MANAGE}/orders", orders)
    add.add_get(MANAGE + r"/orders/{id:\d+}", order)
    add.add_post(MANAGE + r"/orders/{id:\d+}", act_on_order)
    add.add_get(f"{MANAGE}/products", products)
    add.add_post(f"{MANAGE}/products", change_product)
    add.add_get(MANAGE + r"/products/edit/{id:\d+}", product)
    add.add_get(MANAGE + r"/products/{id:\d+}/edit", product)
    add.add_get(f"{MANAGE}/settings", settings)
    add.add_post(f"{MANAGE}/settings", change_settings)
