"""Seller Central's consent page: a seller agrees to our application, or not."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from connectors.sandbox import pages
from connectors.sandbox.amazon.common import AMAZON, CODES, Amazon
from connectors.sandbox.amazon.control import order_view
from connectors.sandbox.amazon.sites import REGIONS, SITES
from connectors.sandbox.world import iso_ms

CODE_LIFE = timedelta(minutes=5)


def setup(app: web.Application) -> None:
    """Add the routes."""
    pages.add_templates(Path(__file__).parent / "templates")
    path = "/amazon/sellercentral/{region}/apps/authorize/consent"
    app.router.add_get(path, show)
    app.router.add_post(path, decide)
    app.router.add_get("/amazon/sellercentral/{region}/orders-v3/order/{order}", show_order)


async def show_order(request: web.Request) -> web.Response:
    """Show an order as Seller Central would, where a merchant who follows a link expects it."""
    amazon, region = request.app[AMAZON], _region(request)
    found = amazon.state.orders.get(request.match_info["order"])
    if found is not None and amazon.state.sellers[found["seller"]]["region"] != region:
        found = None
    view = order_view(found) if found is not None else None
    return pages.render(request, "amazon_order.html", status=200 if view else 404, order=view, region=region)


def _region(request: web.Request) -> str:
    """Return the region of the address, which may name a region (na) or a site (AU)."""
    given = request.match_info["region"]
    site = SITES.get(given.upper())
    return site.region if site else given


def _problem(amazon: Amazon, request: web.Request) -> str:
    """Return what is wrong with a request for consent, "" when nothing is."""
    query = request.query
    if _region(request) not in REGIONS:
        return "There is no Seller Central at this address."
    if query.get("application_id") != amazon.app["application_id"]:
        return "The application id is not known (application_id)."
    if not query.get("state"):
        return "The request has no state, so its answer could be forged (state)."
    redirect = query.get("redirect_uri", "")
    if redirect and not _registered(amazon, redirect):
        return "The address to return to is not registered for this application (redirect_uri)."
    return ""


def _registered(amazon: Amazon, redirect: str) -> bool:
    """Say whether Amazon may send the browser there: our own web server only, as its developer registered it."""
    ours, theirs = urlsplit(amazon.core.web_url), urlsplit(redirect)
    return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc) and not theirs.fragment


async def show(request: web.Request) -> web.Response:
    """Ask the seller."""
    amazon = request.app[AMAZON]
    problem = _problem(amazon, request)
    authorized = set(amazon.refresh_tokens())
    region = _region(request)
    sellers: list[dict[str, Any]] = [
        {**seller, "connected": key in authorized}
        for key, seller in sorted(amazon.state.sellers.items())
        if seller["region"] == region
    ]
    # One that agreed before is offered too: that is how a permission is renewed after its year.
    sellers.sort(key=lambda seller: seller["connected"])
    status = 400 if problem else 200
    return pages.render(request, "amazon_consent.html", status=status, problem=problem, sellers=sellers, region=region)


async def decide(request: web.Request) -> web.StreamResponse:
    """The seller said yes or no: back to the application."""
    amazon = request.app[AMAZON]
    form = await pages.form(request)
    problem = _problem(amazon, request)
    if problem:
        return pages.render(
            request, "amazon_consent.html", status=400, problem=problem, sellers=[], region=_region(request)
        )
    redirect = request.query.get("redirect_uri") or f"{amazon.core.web_url}/amazon/callback"
    answer = {"state": request.query["state"]}
    seller = amazon.state.sellers.get(str(form.get("seller", "")))
    if form.get("answer") != "approve":
        answer |= {"error": "access_denied", "error_description": "The selling partner did not approve the application"}
    elif seller is None or seller["region"] != _region(request):
        raise web.HTTPBadRequest(text="Choose a seller account of this region.")
    else:
        code = "AN" + secrets.token_hex(9)
        now = amazon.world.now()
        doc = {"seller": seller["key"], "redirect_uri": redirect, "expires_at": iso_ms(now + CODE_LIFE)}
        amazon.world.put(CODES, code, doc)
        answer |= {"selling_partner_id": seller["key"], "spapi_oauth_code": code}
    separator = "&" if urlsplit(redirect).query else "?"
    raise web.HTTPFound(f"{redirect}{separator}{urlencode(answer)}")
