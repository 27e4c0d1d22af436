"""Who the seller is (Identity), what they are opted in to (Account), and how many calls are left (Analytics)."""

from __future__ import annotations

from datetime import UTC

from aiohttp import web

from connectors.sandbox.ebay.common import DAILY, EBAY, Ebay, enter
from connectors.sandbox.ebay.errors import answer
from connectors.sandbox.ebay.sites import SITES
from connectors.sandbox.ebay.state import Doc
from connectors.sandbox.world import iso_ms

_API = "/ebay/api"


def setup(app: web.Application) -> None:
    """Add the routes."""
    add = app.router
    for slash in ("", "/"):
        add.add_get(f"/ebay/apiz/commerce/identity/v1/user{slash}", get_user)
        add.add_get(f"{_API}/developer/analytics/v1_beta/rate_limit{slash}", get_rate_limits)
        add.add_get(f"{_API}/developer/analytics/v1_beta/user_rate_limit{slash}", get_user_rate_limits)
    add.add_get(f"{_API}/sell/account/v1/program/get_opted_in_programs", get_programs)
    add.add_get(f"{_API}/sell/account/v1/privilege", get_privileges)


async def get_user(request: web.Request) -> web.Response:
    """The seller: `userId` never changes, `username` may."""
    caller = await enter(request, "getUser")
    seller = request.app[EBAY].state.sellers[caller.seller]
    body: Doc = {
        "userId": seller["key"],
        "username": seller["username"],
        "accountType": "BUSINESS",
        "registrationMarketplaceId": SITES[seller["sites"][0]].id,
        "status": "CONFIRMED",
        "businessAccount": {"name": seller["name"], "doingBusinessAs": seller["name"]},
    }
    return answer(body)


async def get_programs(request: web.Request) -> web.Response:
    """The programs a seller is opted in to: business policies, and out-of-stock control."""
    caller = await enter(request, "getOptedInPrograms")
    ebay = request.app[EBAY]
    without = ebay.settings.get("without_programs", {}).get(caller.seller, [])
    known = ("SELLING_POLICY_MANAGEMENT", "OUT_OF_STOCK_CONTROL")
    return answer({"programs": [{"programType": name} for name in known if name not in without]})


async def get_privileges(request: web.Request) -> web.Response:
    """How much a seller may sell in a month."""
    caller = await enter(request, "getPrivileges")
    ebay = request.app[EBAY]
    currency = SITES[ebay.state.sellers[caller.seller]["sites"][0]].currency
    limit = {"amount": {"value": "250000.00", "currency": currency}, "quantity": 10000}
    return answer({"sellerRegistrationCompleted": True, "sellingLimit": limit})


async def get_rate_limits(request: web.Request) -> web.Response:
    """The application's budgets of a day: allowed, made, left."""
    await enter(request, "getRateLimits")
    return _limits(request)


async def get_user_rate_limits(request: web.Request) -> web.Response:
    """The same as a seller's token shows it: the budgets are the application's, not the seller's."""
    await enter(request, "getUserRateLimits")
    return _limits(request)


def _limits(request: web.Request) -> web.Response:
    ebay = request.app[EBAY]
    context, name = request.query.get("api_context", "").lower(), request.query.get("api_name", "").lower()
    rows = [
        _row(ebay, budget)
        for budget in DAILY
        if not budget.startswith("token.")
        and (not context or budget.startswith(context))
        and (not name or budget.endswith(name))
    ]
    return answer({"rateLimits": rows}) if rows else answer(None, status=204)


def _row(ebay: Ebay, budget: str) -> Doc:
    allowed, count, midnight = ebay.budget(budget)
    context, _, name = budget.partition(".")
    rate = {
        "count": count,
        "limit": allowed,
        "remaining": max(0, allowed - count),
        "reset": iso_ms(midnight.astimezone(UTC)),
        "timeWindow": 86400,
    }
    version = "v1_beta" if context == "developer" else "v2" if budget == "post_order" else "v1"
    return {
        "apiContext": context,
        "apiName": name or context,
        "apiVersion": version,
        "resources": [{"name": budget, "rates": [rate]}],
    }
