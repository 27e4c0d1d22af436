"""The seller's pages at the pretend Etsy, where a merchant who follows a link to an order expects it."""

from __future__ import annotations

from aiohttp import web

from connectors.sandbox import pages
from connectors.sandbox.etsy.common import ETSY
from connectors.sandbox.etsy.shapes import control_view


def setup(app: web.Application) -> None:
    """Add the routes."""
    app.router.add_get("/etsy/site/your/orders/{receipt}", show_order)
    app.router.add_get("/etsy/site/your/orders/sold/{state}", show_order)


async def show_order(request: web.Request) -> web.Response:
    """Show one order of whichever shop; also under the address of Etsy's list, which names it as `order_id`."""
    etsy = request.app[ETSY]
    wanted = request.match_info.get("receipt") or request.query.get("order_id", "")
    found = etsy.state.receipts.get(wanted)
    view = control_view(found) if found else None
    shop = etsy.state.shops[found["shop"]] if found else None
    status = 200 if found else 404
    return pages.render(request, "etsy_order.html", status=status, order=view, shop=shop, receipt=found)
