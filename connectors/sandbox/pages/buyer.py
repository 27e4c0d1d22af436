"""Be the buyer: choose a marketplace and a seller, place orders, and see what became of them."""

from __future__ import annotations

from typing import NamedTuple

from aiohttp import web

from connectors.sandbox import catalog, pages
from connectors.sandbox.control import store_control
from connectors.sandbox.odd_addresses import ODD_ADDRESSES, spelled_out
from connectors.sandbox.platforms import PLATFORMS, Doc, MarketplaceControl, Refusal
from connectors.sandbox.server import CORE, Core

LAST = "buyer_last"
_SHOWN, _LATEST, _MOST = 14, 25, 500
_STATUSES = {"paid": "Paid", "pending": "Pending", "shipped": "Shipped", "canceled": "Canceled"}
_MODES = {"push": "Notification and list", "sweep": "List only", "silent": "Late list only"}
_NEXT = {
    "pending": (("paid", "Pay"), ("canceled", "Cancel")),
    "paid": (("shipped", "Ship"), ("canceled", "Cancel")),
    "partially_shipped": (("shipped", "Ship"),),
}


class Stall(NamedTuple):
    """A seller on a marketplace, as the page's address names them."""

    control: MarketplaceControl
    key: str

    @property
    def platform(self) -> str:
        return self.control.platform


def sellers(control: MarketplaceControl) -> list[Doc]:
    """Return a marketplace's sellers, those who gave our application access first."""
    rows = [control.seller(key) for key in control.keys()]  # noqa: SIM118 - a method of the platform's, not of a dict
    return sorted(rows, key=lambda row: not row["connected"])


def _stall(core: Core, platform: str, key: str) -> Stall | None:
    """Return the seller of that key: on that marketplace, or on any when none is named."""
    for name, control in core.marketplaces.items():
        if platform in ("", name) and key in set(control.keys()):
            return Stall(control, key)
    return None


def _first(core: Core, platform: str) -> Stall | None:
    control = core.marketplaces.get(platform) or next(iter(core.marketplaces.values()), None)
    rows = sellers(control) if control is not None else []
    return Stall(control, rows[0]["key"]) if control is not None and rows else None


def _in_store(core: Core, store: str, sku: str) -> int | None:
    """Return the units the store has of a SKU over its locations; None when it does not know or track it."""
    control = store_control(core, store) if store and sku else None
    if control is None:
        return None
    _, body = control.variants(store, {"sku": sku})
    found = body.get("results") if isinstance(body, dict) else None
    if not found or not found[0]["tracked"]:
        return None
    return sum(int(place["available"]) for place in found[0]["locations"])


async def show(request: web.Request) -> web.Response:
    """Listings to buy, the latest orders, and what became of them."""
    core, query = request.app[CORE], request.query
    stall = _stall(core, query.get("platform", ""), query.get("seller", "")) or _first(core, query.get("platform", ""))
    if stall is None:
        raise web.HTTPNotFound(text="This sandbox has no marketplace.")
    seller = stall.control.seller(stall.key)
    rows = _rows(core, stall, seller, query.get("q", "").strip(), query.get("sku", ""))
    hot = next((row for row in rows if row["sku"] and row["in_store"] and row["in_store"] < 10), None)
    return pages.page(
        request,
        "buyer.html",
        platform=stall.platform,
        badge=PLATFORMS[stall.platform],
        markets=[(name, PLATFORMS[name]) for name in core.marketplaces],
        seller=seller,
        sellers=sellers(stall.control),
        rows=rows,
        q=query.get("q", "").strip(),
        hot=hot,
        count=query.get("count", "1")[:5],
        statuses=_STATUSES,
        modes=_MODES,
        addresses={name: odd.words for name, odd in ODD_ADDRESSES.items()},
        ships=any(row["fulfilled_by"] == "marketplace" for row in stall.control.listings(stall.key)),
        orders=_latest(core, stall),
        last=_last(core),
        sums=_sums(core),
    )


def _rows(core: Core, stall: Stall, seller: Doc, q: str, sku: str) -> list[Doc]:
    """Return the listings to show: one SKU, what a search finds, or the first of all."""
    store = catalog.store_of(seller["merchant"])
    found = stall.control.listings(stall.key, sku or None)
    if q and not sku:
        found = [row for row in found if q.casefold() in f"{row['title']} {row['sku']} {_options(row)}".casefold()]
    return [
        {
            **row,
            "field": _field(row),
            "options": _options(row),
            "in_store": _in_store(core, store["key"] if store else "", row["store_sku"]),
            "buy": "1" if sku else "",
        }
        for row in found[:_SHOWN]
    ]


def _options(row: Doc) -> str:
    """Return what tells a variation from its siblings, "" where the title says it already."""
    values = [str(value) for value in row["variation"].values()]
    return "" if all(value in row["title"] for value in values) else ", ".join(values)


def _field(row: Doc) -> str:
    """Return the name of a listing's input: its SKU, or its numbers where the seller gave none."""
    return f"sku:{row['sku']}" if row["sku"] else f"item:{row['item_id']}:{row.get('variation_id') or ''}"


def _named(field: str) -> Doc | None:
    """Return how an order's line names the listing of an input, None for another field of the form."""
    kind, _, rest = field.partition(":")
    if kind == "sku" and rest:
        return {"sku": rest}
    if kind == "item" and rest:
        item, _, variation = rest.partition(":")
        return {"sku": "", "item_id": item, **({"variation_id": variation} if variation else {})}
    return None


def _latest(core: Core, stall: Stall) -> list[Doc]:
    orders, _ = stall.control.orders(stall.key, 0, _LATEST)
    created = core.world.created([order["id"] for order in orders])
    return [
        {
            "id": order["id"],
            "words": order["status"].replace("_", " ").capitalize(),
            "what": ", ".join(f"{line['quantity']} × {line['sku'] or line['title']}" for line in order["lines"])[:90],
            "total": f"{order['total']} {order['currency']}",
            "created": created.get(order["id"], 0),
            "actions": _NEXT.get(order["status"], ()),
        }
        for order in orders
    ]


def _last(core: Core) -> Doc | None:
    """Return the sum of the last orders placed by hand."""
    last = core.world.table(LAST).get("ids", {})
    ids = last.get("ids", [])
    if not ids:
        return None
    stall = _stall(core, last.get("platform", ""), last.get("seller", ""))
    if stall is not None:
        # A marketplace may give an order another id when it is paid (eBay does).
        ids = [stall.control.order(stall.key, order_id)["id"] for order_id in ids]
    return {"placed": len(ids), "created": len(core.world.created(ids))}


def _sums(core: Core) -> Doc:
    counts = core.world.write_counts()
    return {
        "created": counts.get("order.create", 0),
        "doubled": core.world.doubled(),
        "oversold": counts.get("oversold", 0),
    }


async def place(request: web.Request) -> web.Response:
    """Place what the form asks for."""
    form = await pages.form(request)
    core = request.app[CORE]
    stall = _stall(core, form.get("platform", ""), form.get("seller", ""))
    if stall is None:
        raise pages.back("/buyer", "Choose a seller.", wrong=True)
    back = {"platform": stall.platform, "seller": stall.key, "q": form.get("q", "")}
    lines = []
    for name, value in form.items():
        named = _named(name)
        if named is not None and value.strip() not in ("", "0"):
            if not value.strip().isdigit():
                raise pages.back("/buyer", f"Units must be a whole number, not “{value[:20]}”.", back, wrong=True)
            lines.append({**named, "quantity": int(value)})
    count = form.get("count", "1").strip()
    if not lines:
        raise pages.back("/buyer", "Say how many units to buy of at least one product.", back, wrong=True)
    if not count.isdigit() or not 1 <= int(count) <= _MOST:
        raise pages.back("/buyer", f"How many orders: a whole number from 1 to {_MOST}.", back, wrong=True)
    body: Doc = {"lines": lines, "count": int(count)}
    body |= {name: form[name] for name in ("status", "fulfilled_by", "site", "mode") if form.get(name)}
    if form.get("gift"):
        body["gift_wrap"] = True
    if form.get("address"):
        body["buyer"] = {"address": form["address"]}
    try:
        ids = stall.control.place(stall.key, spelled_out(body))
    except Refusal as refusal:
        raise pages.back("/buyer", f"{refusal.field}: {refusal}", back, wrong=True) from None
    core.world.put(LAST, "ids", {"ids": ids, "platform": stall.platform, "seller": stall.key})
    words = "1 order was placed." if len(ids) == 1 else f"{len(ids)} orders were placed."
    raise pages.back("/buyer", words, back)


async def change(request: web.Request) -> web.Response:
    """Pay, ship or cancel one order."""
    form = await pages.form(request)
    stall = _stall(request.app[CORE], form.get("platform", ""), form.get("seller", ""))
    if stall is None:
        raise pages.back("/buyer", "Choose a seller.", wrong=True)
    back = {"platform": stall.platform, "seller": stall.key}
    try:
        order = stall.control.change(stall.key, form.get("id", ""), {"status": form.get("status", "")})
    except Refusal as refusal:
        said = "There is no such order." if refusal.status == 404 else str(refusal)
        raise pages.back("/buyer", said, back, wrong=True) from None
    raise pages.back("/buyer", f"{order['id']} is {order['status'].replace('_', ' ')} now.", back)
