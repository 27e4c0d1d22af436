"""The pretend Amazon: Login with Amazon, Seller Central's consent page, SP-API, and SQS."""

from __future__ import annotations

from aiohttp import web

from connectors.sandbox.amazon import api, consent, control, customizations, lwa, notifications, sqs
from connectors.sandbox.amazon.common import ACCESS, AMAZON, CODES, REFRESH, Amazon, face
from connectors.sandbox.amazon.state import SELLERS
from connectors.sandbox.server import CORE
from connectors.sandbox.world import World

CREDENTIALS = ("client_id", "client_secret", "application_id", "aws_access_key_id", "aws_secret_access_key")
"""What it needs of the run's credentials."""


def setup(app: web.Application, world: World) -> None:
    """Add everything under `/amazon` and `/sqs` to the application."""
    core = app[CORE]
    world.keep(SELLERS, CODES, REFRESH, ACCESS, notifications.DESTINATIONS, notifications.SUBSCRIPTIONS)
    core.faces["amazon"] = face(core)
    amazon = app[AMAZON] = Amazon(core)
    control.setup(app, amazon)
    for part in (lwa, consent, api, customizations, notifications, sqs):
        part.setup(app)
    # Last, so that it answers only what no other part knows.
    app.router.add_route("*", "/amazon/{region:na|eu|fe}/{rest:.*}", api.unknown)
