"""The pretend Etsy: consent with PKCE, the token endpoint, Open API v3, signed webhooks, and the seller's own pages."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from connectors.sandbox import pages
from connectors.sandbox.etsy import hooks, listings_api, oauth, receipts_api, shop_api, site
from connectors.sandbox.etsy.buying import Buyers
from connectors.sandbox.etsy.common import ETSY, Etsy, face
from connectors.sandbox.etsy.control import EtsyControl
from connectors.sandbox.server import CORE
from connectors.sandbox.world import World

CREDENTIALS = ("keystring", "shared_secret", "webhook_secret")
"""What the run's credentials must hold for this platform; the last is `whsec_` and base64."""


def setup(app: web.Application, world: World) -> None:
    """Add everything under `/etsy` to the application."""
    core = app[CORE]
    core.faces["etsy"] = face()
    etsy = app[ETSY] = Etsy(core)
    etsy.on_change.append(hooks.teller(etsy))
    core.marketplaces["etsy"] = EtsyControl(etsy, Buyers(etsy))
    pages.add_templates(Path(__file__).parent / "templates")
    for part in (oauth, site, receipts_api, listings_api, shop_api):
        part.setup(app)
    # Last, so that it answers only what no other part knows.
    app.router.add_route("*", "/etsy/v3/{rest:.*}", shop_api.unknown)
