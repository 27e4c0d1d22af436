"""The pretend eBay: consent, tokens, orders, shipping, refunds, cancellations, notifications, and a Seller Hub page."""

from __future__ import annotations

from aiohttp import web

from connectors.sandbox.ebay import account, cancellations, consent, notifications, oauth, orders, shipping
from connectors.sandbox.ebay.buying import Buyers
from connectors.sandbox.ebay.common import EBAY, Ebay
from connectors.sandbox.ebay.control import EBAY_BUYERS, EbayControl
from connectors.sandbox.ebay.errors import error, face
from connectors.sandbox.server import CORE
from connectors.sandbox.world import World

CREDENTIALS = ("client_id", "client_secret", "ru_name", "verification_token")
"""What `credentials.json` must hold under "ebay"."""


def setup(app: web.Application, world: World) -> None:
    """Add everything under `/ebay` to the application."""
    core = app[CORE]
    core.faces["ebay"] = face()
    ebay = app[EBAY] = Ebay(core)
    buyers = app[EBAY_BUYERS] = Buyers(ebay)
    core.marketplaces["ebay"] = EbayControl(ebay, buyers)
    for part in (oauth, consent, orders, shipping, cancellations, account, notifications):
        part.setup(app)
    # Last, so that it answers only what no other part knows.
    app.router.add_route("*", "/ebay/{family:api|apiz}/{rest:.*}", unknown)


async def unknown(request: web.Request) -> web.Response:
    """Any other path of eBay's APIs."""
    return error(2002)
