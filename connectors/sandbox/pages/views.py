"""The sandbox's own pages: overview, be the buyer, break things, what was written, mail."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from connectors.sandbox import catalog, pages
from connectors.sandbox.amazon.buying import WORDS, total
from connectors.sandbox.amazon.common import AMAZON, RATES, Amazon
from connectors.sandbox.amazon.state import Doc, amount
from connectors.sandbox.control import BUYERS, STORES, mails, reset_world
from connectors.sandbox.faults import KINDS
from connectors.sandbox.limits import PLATFORMS, PROFILES
from connectors.sandbox.platforms import Refusal
from connectors.sandbox.server import CORE
from connectors.sandbox.traffic import TRAFFIC

_SHOWN = 14
_PROFILE_WORDS = {
    "demo": "demo: a hundred times the published rates",
    "real": "real: the published rates",
    "off": "off: no limits",
}
_NEXT = {
    "pending": (("paid", "Pay"), ("canceled", "Cancel")),
    "paid": (("shipped", "Ship"), ("canceled", "Cancel")),
    "partially_shipped": (("shipped", "Ship"),),
}
LAST = "buyer_last"


def setup(app: web.Application) -> None:
    """Add the routes."""
    pages.set_brand(os.environ.get("BRAND_NAME") or "Salestio")
    add = app.router
    add.add_get("/", overview)
    add.add_get("/buyer", buyer)
    add.add_post("/buyer/place", place)
    add.add_post("/buyer/change", change)
    add.add_get("/break", show_faults)
    add.add_post("/break", add_fault)
    add.add_post("/break/end", end_fault)
    add.add_get("/written", written)
    add.add_get("/mail", mail)
    add.add_post("/limits", set_limits)
    add.add_post("/traffic", set_traffic)
    add.add_post("/start-over", start_over)
    add.add_get("/_static/sandbox.css", style)


async def style(request: web.Request) -> web.FileResponse:
    """The few rules of our own."""
    return web.FileResponse(Path(__file__).parent / "sandbox.css", headers={"Cache-Control": "max-age=300"})


def _page(request: web.Request, template: str, **context: Any) -> web.Response:
    core = request.app[CORE]
    counts = core.world.write_counts()
    tabs = [
        ("/", "Overview", ""),
        ("/buyer", "Be the buyer", ""),
        ("/break", "Break things", f"{len(core.faults.all())} on" if core.faults else ""),
        ("/written", "What was written", f"{sum(counts.values()):,}"),
        ("/mail", "Mail", ""),
    ]
    return pages.render(
        request,
        template,
        tabs=tabs,
        web_url=core.web_url,
        said=request.query.get("said", "")[:200],
        wrong="wrong" in request.query,
        **context,
    )


def _back(path: str, said: str, *, wrong: bool = False, **query: str) -> web.HTTPSeeOther:
    shown = {**query, "said": said, **({"wrong": "1"} if wrong else {})}
    return web.HTTPSeeOther(f"{path}?{urlencode(shown)}")


# ── overview ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _sellers(amazon: Amazon) -> list[Doc]:
    """Sellers, those who gave access first."""
    agreed = set(amazon.refresh_tokens())
    rows = [
        {**seller, "orders": len(amazon.state.by_created[key]), "connected": key in agreed}
        for key, seller in amazon.state.sellers.items()
    ]
    return sorted(rows, key=lambda row: (not row["connected"], row["key"]))


async def overview(request: web.Request) -> web.Response:
    """What this is, and what is in it."""
    core = request.app[CORE]
    return _page(
        request,
        "overview.html",
        shops=request.app[STORES].keys(),
        sellers=_sellers(request.app[AMAZON]),
        limits=core.limits.describe(),
        words=_PROFILE_WORDS,
        traffic=request.app[TRAFFIC].describe(),
        now=core.world.now().strftime("%Y-%m-%d %H:%M:%S UTC"),
    )


async def set_limits(request: web.Request) -> web.Response:
    """Put a limit profile in force for every platform."""
    form = await pages.form(request)
    profile = form.get("profile", "")
    if profile not in PROFILES:
        raise _back("/", "Choose one of the profiles.", wrong=True)
    request.app[CORE].limits.set(PLATFORMS, profile, None)
    raise _back("/", f"The profile {profile} is in force.")


async def set_traffic(request: web.Request) -> web.Response:
    """Start or stop the order stream."""
    form = await pages.form(request)
    traffic = request.app[TRAFFIC]
    if form.get("start"):
        traffic.start()
        raise _back("/", "Orders come in now.")
    traffic.stop()
    raise _back("/", "The order stream is stopped.")


async def start_over(request: web.Request) -> web.Response:
    """Put the demo world back to how it began."""
    await pages.form(request)
    traffic = request.app[TRAFFIC]
    running = traffic.describe()["running"]
    reset_world(request.app)
    if running:
        traffic.start()
    raise _back("/", "The sandbox is as it was at the first start. Connections and tokens stayed.")


# ── be the buyer ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _shop_of(seller: Doc) -> str:
    """Return the store of the seller's merchant, "" when it has none."""
    return next(
        (row["shop"] for row in catalog.stores() if seller["merchant"] and row["merchant"] == seller["merchant"]), ""
    )


def _in_store(request: web.Request, shop: str, sku: str) -> int | None:
    """Return the units the store has of a SKU over its locations; None when it does not know or track it."""
    if not shop or not sku:
        return None
    _, body = request.app[STORES].variants(shop, {"sku": sku})
    found = body.get("results") if isinstance(body, dict) else None
    if not found or not found[0]["tracked"]:
        return None
    return sum(place["available"] for place in found[0]["locations"])


async def buyer(request: web.Request) -> web.Response:
    """Listings to buy, the latest orders, and what became of them."""
    amazon = request.app[AMAZON]
    sellers = _sellers(amazon)
    seller = amazon.state.sellers.get(request.query.get("seller", ""), sellers[0])
    q, sku = request.query.get("q", "").strip(), request.query.get("sku", "")
    shop = _shop_of(seller)
    found = amazon.state.listings_of[seller["key"]]
    if sku:
        found = [row for row in found if row["sku"] == sku]
    elif q:
        found = [row for row in found if q.casefold() in f"{row['title']} {row['sku']}".casefold()]
    rows = [
        {**row, "in_store": _in_store(request, shop, row["store_sku"]), "buy": "1" if sku else ""}
        for row in found[:_SHOWN]
    ]
    hot = next((row for row in rows if row["in_store"] and row["in_store"] < 10), None)
    return _page(
        request,
        "buyer.html",
        seller=seller,
        sellers=sellers,
        rows=rows,
        q=q,
        hot=hot,
        count=request.query.get("count", "1")[:5],
        orders=_latest(amazon, seller["key"]),
        last=_last(amazon),
        sums=_sums(amazon),
    )


def _latest(amazon: Amazon, seller: str) -> list[Doc]:
    ids = [order_id for _, order_id in amazon.state.by_created[seller][:-26:-1]]
    created = amazon.world.created(ids)
    rows = []
    for order_id in ids:
        order = amazon.state.orders[order_id]
        words = WORDS[order["status"]]
        rows.append(
            {
                "id": order_id,
                "words": words.replace("_", " ").capitalize(),
                "what": ", ".join(f"{line['quantity']} × {line['sku']}" for line in order["lines"])[:90],
                "total": f"{amount(total(order), order['currency'])} {order['currency']}",
                "created": created.get(order_id, 0),
                "actions": _NEXT.get(words, ()),
            }
        )
    return rows


def _last(amazon: Amazon) -> Doc | None:
    """Return the sum of the last orders placed by hand."""
    ids = amazon.world.table(LAST).get("ids", {}).get("ids", [])
    if not ids:
        return None
    return {"placed": len(ids), "created": len(amazon.world.created(ids))}


def _sums(amazon: Amazon) -> Doc:
    counts = amazon.world.write_counts()
    return {
        "created": counts.get("order.create", 0),
        "doubled": amazon.world.doubled(),
        "oversold": counts.get("oversold", 0),
    }


async def place(request: web.Request) -> web.Response:
    """Place what the form asks for."""
    form = await pages.form(request)
    amazon = request.app[AMAZON]
    seller = form.get("seller", "")
    if seller not in amazon.state.sellers:
        raise _back("/buyer", "Choose a seller.", wrong=True)
    back = {"seller": seller, "q": form.get("q", "")}
    lines = []
    for name, value in form.items():
        if name.startswith("sku:") and value.strip() not in ("", "0"):
            if not value.strip().isdigit():
                raise _back("/buyer", f"Units must be a whole number, not “{value[:20]}”.", wrong=True, **back)
            lines.append({"sku": name.removeprefix("sku:"), "quantity": int(value)})
    count = form.get("count", "1").strip()
    if not lines:
        raise _back("/buyer", "Say how many units to buy of at least one product.", wrong=True, **back)
    if not count.isdigit() or not 1 <= int(count) <= 500:
        raise _back("/buyer", "How many orders: a whole number from 1 to 500.", wrong=True, **back)
    body: Doc = {"lines": lines, "count": int(count)}
    for name in ("status", "fulfilled_by", "site", "mode"):
        if form.get(name):
            body[name] = form[name]
    if form.get("gift"):
        body["gift_wrap"] = True
    try:
        ids = request.app[BUYERS].place(seller, body)
    except Refusal as refusal:
        raise _back("/buyer", f"{refusal.field}: {refusal}", wrong=True, **back) from None
    amazon.world.put(LAST, "ids", {"ids": ids})
    words = "1 order was placed." if len(ids) == 1 else f"{len(ids)} orders were placed."
    raise _back("/buyer", words, wrong=False, **back)


async def change(request: web.Request) -> web.Response:
    """Pay, ship or cancel one order."""
    form = await pages.form(request)
    seller = form.get("seller", "")
    order = request.app[AMAZON].state.order(seller, form.get("id", ""))
    if order is None:
        raise _back("/buyer", "There is no such order.", wrong=True, seller=seller)
    try:
        request.app[BUYERS].change(order, {"status": form.get("status", "")})
    except Refusal as refusal:
        raise _back("/buyer", str(refusal), wrong=True, seller=seller) from None
    raise _back("/buyer", f"{order['id']} is {WORDS[order['status']].replace('_', ' ')} now.", seller=seller)


# ── break things ─────────────────────────────────────────────────────────────────────────────────────────────────────

_OPERATIONS = (
    *RATES,
    "token",
    "ORDER_CHANGE",
    "orderCreate",
    "orders",
    "fulfillmentOrders",
    "productVariants",
    "orderCancel",
)
_WITH_CODE = ("status", "status_after", "html")
_WITH_SECONDS = ("slow", "timeout_after", "search_lag", "clock_skew", "webhook_shuffle")


async def show_faults(request: web.Request) -> web.Response:
    """What is broken, and a form to break more."""
    faults = request.app[CORE].faults.all()
    return _page(
        request,
        "break.html",
        faults=faults,
        kinds=KINDS,
        operations=_OPERATIONS,
        chosen=request.query.get("kind", "status_after"),
    )


async def add_fault(request: web.Request) -> web.Response:
    """Switch a fault on."""
    form = await pages.form(request)
    kind, platform, often = form.get("kind", ""), form.get("platform", ""), form.get("often", "1")
    if kind not in KINDS or platform not in ("*", *PLATFORMS):
        raise _back("/break", "Choose what goes wrong, and where.", wrong=True)
    params: Doc = {}
    for name, kinds, low, high in (("code", _WITH_CODE, 300, 599), ("seconds", _WITH_SECONDS, 1, 86400)):
        if kind in kinds:
            value = form.get(name, "").strip()
            if not value.isdigit() or not low <= int(value) <= high:
                raise _back(
                    "/break", f"{name.capitalize()}: a whole number from {low} to {high}.", wrong=True, kind=kind
                )
            params[name] = int(value)
    rate = 0.5 if often == "half" else 1.0
    count = int(often) if often.isdigit() and 1 <= int(often) <= 10000 else None
    operation = form.get("operation", "*").strip() or "*"
    request.app[CORE].faults.add(platform, operation, kind, rate, count, params)
    raise _back("/break", f"{KINDS[kind]}.")


async def end_fault(request: web.Request) -> web.Response:
    """End one fault, or all."""
    form = await pages.form(request)
    ended = request.app[CORE].faults.end(form.get("id") or None)
    raise _back("/break", "It works again." if ended else "It had ended already.")


# ── what was written, mail ───────────────────────────────────────────────────────────────────────────────────────────


async def written(request: web.Request) -> web.Response:
    """The latest writes."""
    world = request.app[CORE].world
    counts = world.write_counts()
    kind = request.query.get("kind", "")
    rows = world.latest_writes(kind if kind in counts else "")
    return _page(request, "written.html", rows=rows, counts=counts, kind=kind)


async def mail(request: web.Request) -> web.Response:
    """What the product would have sent."""
    return _page(request, "mail.html", mails=mails(request.app)[:50])
