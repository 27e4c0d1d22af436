"""The sandbox's own pages: overview, break things, what was written, mail; `buyer.py` has the buyer's."""

from __future__ import annotations

import os
from pathlib import Path

from aiohttp import web

from connectors.sandbox import catalog, pages
from connectors.sandbox.control import mails, reset_world
from connectors.sandbox.faults import KINDS
from connectors.sandbox.limits import PROFILES
from connectors.sandbox.pages import buyer
from connectors.sandbox.platforms import FOLDERS, PLATFORMS, Doc, HasAppMarket, MarketplaceControl, StoreControl
from connectors.sandbox.server import CORE, Core
from connectors.sandbox.traffic import TRAFFIC

_PROFILE_WORDS = {
    "demo": "demo: a hundred times the published rates",
    "real": "real: the published rates",
    "off": "off: no limits",
}


def setup(app: web.Application) -> None:
    """Add the routes."""
    pages.set_brand(os.environ.get("BRAND_NAME") or "Salestio")
    add = app.router
    add.add_get("/", overview)
    add.add_get("/buyer", buyer.show)
    add.add_post("/buyer/place", buyer.place)
    add.add_post("/buyer/change", buyer.change)
    add.add_get("/break", show_faults)
    add.add_post("/break", add_fault)
    add.add_post("/break/end", end_fault)
    add.add_get("/written", written)
    add.add_get("/mail", mail)
    add.add_post("/limits", set_limits)
    add.add_post("/traffic", set_traffic)
    add.add_post("/start-over", start_over)
    add.add_get("/_static/sandbox.css", style)
    add.add_get("/_static/sandbox.svg", icon)
    # What browsers ask for where an answer is no page of ours: JSON, a file, an error.
    add.add_get("/favicon.ico", icon)


async def style(request: web.Request) -> web.FileResponse:
    """The few rules of our own."""
    return web.FileResponse(Path(__file__).parent / "sandbox.css", headers={"Cache-Control": "max-age=300"})


async def icon(request: web.Request) -> web.FileResponse:
    """The picture in the browser's tab: another one than the product's own, so that the two are told apart."""
    headers = {"Content-Type": "image/svg+xml", "Cache-Control": "max-age=300"}
    return web.FileResponse(Path(__file__).parent / "sandbox.svg", headers=headers)


# ── overview ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _stores(core: Core) -> list[Doc]:
    """Return every store with its platform's badge and the address of its pretend admin."""
    names = {row["key"]: row["name"] for row in catalog.stores()}
    return [
        {"key": key, "name": names.get(key, key), "badge": PLATFORMS[platform], "admin": control.admin_page(key)}
        for platform, control in core.stores.items()
        for key in control.keys()  # noqa: SIM118 - a method of the platform's, not of a dict
    ]


def _markets(core: Core) -> list[Doc]:
    """Return every marketplace with its badge and its sellers, those who gave access first."""
    return [
        {"platform": platform, "badge": PLATFORMS[platform], "sellers": buyer.sellers(control)}
        for platform, control in core.marketplaces.items()
    ]


async def overview(request: web.Request) -> web.Response:
    """What this is, and what is in it."""
    core = request.app[CORE]
    return pages.page(
        request,
        "overview.html",
        stores=_stores(core),
        markets=_markets(core),
        app_markets=[
            (PLATFORMS[name].label, control.app_market())
            for name, control in core.stores.items()
            if isinstance(control, HasAppMarket)
        ],
        limits=[(PLATFORMS[name], row) for name, row in core.limits.describe().items() if name in core.faces],
        profiles=_PROFILE_WORDS,
        traffic=request.app[TRAFFIC].describe(),
        now=core.world.now().strftime("%Y-%m-%d %H:%M:%S UTC"),
    )


async def set_limits(request: web.Request) -> web.Response:
    """Put a limit profile in force for every platform."""
    form = await pages.form(request)
    profile = form.get("profile", "")
    if profile not in PROFILES:
        raise pages.back("/", "Choose one of the profiles.", wrong=True)
    request.app[CORE].limits.set(FOLDERS, profile, None)
    raise pages.back("/", f"The profile {profile} is in force.")


async def set_traffic(request: web.Request) -> web.Response:
    """Start or stop the order stream."""
    form = await pages.form(request)
    traffic = request.app[TRAFFIC]
    if form.get("start"):
        traffic.start()
        raise pages.back("/", "Orders come in now.")
    traffic.stop()
    raise pages.back("/", "The order stream is stopped.")


async def start_over(request: web.Request) -> web.Response:
    """Put the demo world back to how it began."""
    await pages.form(request)
    traffic = request.app[TRAFFIC]
    running = traffic.describe()["running"]
    reset_world(request.app)
    if running:
        traffic.start()
    raise pages.back("/", "The sandbox is as it was at the first start. Connections and tokens stayed.")


# ── break things ─────────────────────────────────────────────────────────────────────────────────────────────────────

_WITH_CODE = ("status", "status_after", "html")
_WITH_SECONDS = ("slow", "timeout_after", "search_lag", "clock_skew", "webhook_shuffle")


async def show_faults(request: web.Request) -> web.Response:
    """What is broken, and a form to break more."""
    core = request.app[CORE]
    controls: list[MarketplaceControl | StoreControl] = [*core.marketplaces.values(), *core.stores.values()]
    return pages.page(
        request,
        "break.html",
        faults=core.faults.all(),
        kinds=KINDS,
        badges=PLATFORMS,
        platforms=[(control.platform, PLATFORMS[control.platform], control.operations) for control in controls],
        chosen=request.query.get("kind", "status_after"),
    )


async def add_fault(request: web.Request) -> web.Response:
    """Switch a fault on."""
    form = await pages.form(request)
    kind, platform, often = form.get("kind", ""), form.get("platform", ""), form.get("often", "1")
    if kind not in KINDS or platform not in ("*", *FOLDERS):
        raise pages.back("/break", "Choose what goes wrong, and where.", wrong=True)
    params: Doc = {}
    for name, kinds, low, high in (("code", _WITH_CODE, 300, 599), ("seconds", _WITH_SECONDS, 1, 86400)):
        if kind in kinds:
            value = form.get(name, "").strip()
            if not value.isdigit() or not low <= int(value) <= high:
                raise pages.back(
                    "/break", f"{name.capitalize()}: a whole number from {low} to {high}.", {"kind": kind}, wrong=True
                )
            params[name] = int(value)
    rate = 0.5 if often == "half" else 1.0
    count = int(often) if often.isdigit() and 1 <= int(often) <= 10000 else None
    operation = form.get("operation", "*").strip() or "*"
    request.app[CORE].faults.add(platform, operation, kind, rate, count, params)
    raise pages.back("/break", f"{KINDS[kind]}.")


async def end_fault(request: web.Request) -> web.Response:
    """End one fault, or all."""
    form = await pages.form(request)
    ended = request.app[CORE].faults.end(form.get("id") or None)
    raise pages.back("/break", "It works again." if ended else "It had ended already.")


# ── what was written, mail ───────────────────────────────────────────────────────────────────────────────────────────


async def written(request: web.Request) -> web.Response:
    """The latest writes."""
    world = request.app[CORE].world
    counts = world.write_counts()
    kind = request.query.get("kind", "")
    rows = world.latest_writes(kind if kind in counts else "")
    return pages.page(request, "written.html", rows=rows, counts=counts, kind=kind)


async def mail(request: web.Request) -> web.Response:
    """What the product would have sent."""
    return pages.page(request, "mail.html", mails=mails(request.app)[:50])
