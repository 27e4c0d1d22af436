"""The pretend Shopify: Admin API, OAuth, the store's admin pages and its webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.sandbox.world import World

CREDENTIALS = ("client_id", "client_secret")
"""What it needs of the run's credentials."""


def setup(app: web.Application, world: World) -> None:
    """Add the pretend Shopify's routes to the sandbox and sow its demo shops."""
    from connectors.sandbox.server import CORE
    from connectors.sandbox.shopify import state
    from connectors.sandbox.shopify.admin import setup_admin
    from connectors.sandbox.shopify.control import ShopifyControl
    from connectors.sandbox.shopify.face import SHOPIFY, ShopifyFace, setup_api
    from connectors.sandbox.shopify.oauth import setup_oauth

    world.keep(state.TOKENS, state.REFRESH_TOKENS, state.CODES, state.INSTALLS, state.SUBSCRIPTIONS, state.DEFINITIONS)
    face = ShopifyFace(app[CORE])
    app[SHOPIFY] = face
    world.on_reset(face.state.load)
    setup_api(app, face)
    setup_oauth(app)
    setup_admin(app)
    app[CORE].stores["shopify"] = ShopifyControl(world)
