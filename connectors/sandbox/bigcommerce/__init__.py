"""The pretend BigCommerce: V2 and V3 API, single-click app, the store's control panel and its webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.sandbox.world import World

CREDENTIALS = ("client_id", "client_secret", "app_id")
"""What it needs of the run's credentials."""


def setup(app: web.Application, world: World) -> None:
    """Add the pretend BigCommerce's routes to the sandbox and sow its demo stores."""
    from connectors.sandbox.bigcommerce import api, tokens
    from connectors.sandbox.bigcommerce.control import BigCommerceControl
    from connectors.sandbox.bigcommerce.face import BIGCOMMERCE, FACE, BigCommerceFace
    from connectors.sandbox.bigcommerce.oauth import setup_oauth
    from connectors.sandbox.bigcommerce.panel import setup_panel
    from connectors.sandbox.bigcommerce.panel_apps import setup_apps
    from connectors.sandbox.bigcommerce.panel_pages import setup_pages
    from connectors.sandbox.server import CORE

    face = BigCommerceFace(app[CORE])
    app[BIGCOMMERCE] = face
    app[CORE].faces["bigcommerce"] = FACE
    app[CORE].stores["bigcommerce"] = BigCommerceControl(face)
    world.on_reset(face.state.load)
    world.on_reset(lambda: tokens.let_everybody_in(world))
    api.setup_api(app)
    setup_oauth(app)
    setup_pages(app)
    setup_panel(app)
    setup_apps(app)
