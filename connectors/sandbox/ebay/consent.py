"""eBay's consent page (a seller agrees to our application, or not), and the pretend Seller Hub's order page."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import web

from connectors.sandbox import pages
from connectors.sandbox.ebay.common import CODES, EBAY, SCOPES, Ebay, odd_text
from connectors.sandbox.ebay.control import EBAY_BUYERS, order_view
from connectors.sandbox.ebay.state import Doc
from connectors.sandbox.world import iso_ms

CODE_SECONDS = 299
"""How long a code lives; eBay says so in the answer (`expires_in`)."""
_CALLBACK = "/connect/ebay/callback"
_WORDS = {
    "sell.fulfillment": "read your orders and mark them as shipped",
    "sell.inventory": "keep your listings and their quantities",
    "sell.account": "see your business policies and selling limits",
    "sell.finances": "refund buyers",
    "commerce.identity.readonly": "see who you are on eBay",
    "commerce.notification.subscription": "be told at once when something is sold",
}


def setup(app: web.Application) -> None:
    """Add the routes."""
    pages.add_templates(Path(__file__).parent / "templates")
    app.router.add_get("/ebay/auth/oauth2/authorize", show)
    app.router.add_post("/ebay/auth/oauth2/authorize", decide)
    app.router.add_get("/ebay/hub/orders/{order_id}", show_order)
    app.router.add_get("/ebay/hub/ord/details", show_order)


# ── consent ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _problem(ebay: Ebay, request: web.Request) -> str:
    """Return what is wrong with a request for consent, "" when nothing is. Such a request never goes back."""
    query = request.query
    if query.get("client_id") != ebay.app["client_id"]:
        return "The application is not known (client_id)."
    if query.get("redirect_uri") != ebay.app["ru_name"]:
        return "The RuName is not one of this application's (redirect_uri)."
    if query.get("response_type") != "code":
        return "Only response_type=code is known."
    wrong = [scope for scope in query.get("scope", "").split() if scope not in SCOPES]
    return f"The application asks for a scope it was not given: {wrong[0]} (scope)." if wrong else ""


def _scopes(request: web.Request) -> list[str]:
    return request.query.get("scope", "").split() or [SCOPES[0]]


async def show(request: web.Request) -> web.Response:
    """Ask the seller."""
    ebay = request.app[EBAY]
    return _consent(request, ebay, _problem(ebay, request))


def _consent(request: web.Request, ebay: Ebay, problem: str) -> web.Response:
    agreed = ebay.refresh_tokens()
    sellers = [{**seller, "connected": key in agreed} for key, seller in ebay.state.sellers.items()]
    # One that agreed before is offered too: that is how a permission is renewed after its eighteen months.
    sellers.sort(key=lambda seller: bool(seller["connected"]))
    asked = [_WORDS[name] for name in _WORDS if any(scope.endswith(f"/{name}") for scope in _scopes(request))]
    status = 400 if problem else 200
    return pages.render(request, "ebay_consent.html", status=status, problem=problem, sellers=sellers, asked=asked)


async def decide(request: web.Request) -> web.StreamResponse:
    """The seller said yes or no: back to the address that is registered for the RuName."""
    ebay = request.app[EBAY]
    form = await pages.form(request)
    problem = _problem(ebay, request)
    if problem:
        return _consent(request, ebay, problem)
    answer = {"state": request.query["state"]} if request.query.get("state") else {}
    seller = ebay.state.sellers.get(form.get("seller", ""))
    if form.get("answer") != "agree":
        answer |= {"error": "access_denied", "error_description": "The member did not agree"}
    elif seller is None:
        raise web.HTTPBadRequest(text="Choose a seller account.")
    else:
        code = odd_text("v^1.1#i^1#I^3#r^1#f^0#p^3#t^Ul4x", 48)
        ends = iso_ms(ebay.world.now() + timedelta(seconds=CODE_SECONDS))
        doc = {"seller": seller["key"], "scopes": _scopes(request), "expires_at": ends}
        ebay.world.put(CODES, code, doc)
        answer |= {"code": code, "expires_in": str(CODE_SECONDS)}
    raise web.HTTPFound(f"{ebay.core.web_url}{_CALLBACK}?{urlencode(answer)}")


# ── Seller Hub ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def show_order(request: web.Request) -> web.Response:
    """Show an order as Seller Hub would, where a merchant who follows a link expects it."""
    ebay = request.app[EBAY]
    request.app[EBAY_BUYERS].settle()
    order_id = request.match_info.get("order_id") or request.query.get("orderid", "")
    found: Doc | None = ebay.state.orders.get(ebay.state.former.get(order_id, order_id))
    view = order_view(found) if found is not None else None
    note = found["note"] if found is not None else ""
    return pages.render(request, "ebay_order.html", status=200 if view else 404, order=view, note=note)
