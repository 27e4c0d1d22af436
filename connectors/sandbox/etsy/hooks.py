"""Etsy's webhooks: order.paid, order.canceled, order.shipped and order.delivered, signed by the Standard Webhooks scheme.

One endpoint an app, set up by hand in Etsy's developer portal; here it is `{web}/webhooks/etsy`. Only shops whose sellers
agreed to the app are told of. Bodies are flat and hold a pointer, no data.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from connectors.sandbox.etsy.common import Etsy

EVENTS = ("order.paid", "order.canceled", "order.shipped", "order.delivered")
REAL_HOST = "https://openapi.etsy.com"
"""Messages name Etsy's own host whoever plays Etsy: a receiver takes the ids from the address and nothing else."""


def teller(etsy: Etsy) -> Callable[[dict[str, Any], str], None]:
    """Return what to call with (receipt, event type) when something happened."""

    def tell(receipt: dict[str, Any], event: str) -> None:
        if receipt["mode"] != "push" or not etsy.connected(receipt["shop"]):
            return
        path = f"/v3/application/shops/{receipt['shop']}/receipts/{receipt['id']}"
        body = {"event_type": event, "resource_url": f"{REAL_HOST}{path}", "shop_id": int(receipt["shop"])}
        raw = json.dumps(body, separators=(",", ":")).encode()
        # The machine's time, not the sandbox's: `/clock` moves the world on, and would make every signature too old.
        now = datetime.now(UTC).timestamp() + etsy.world.skew_seconds
        headers = {"Content-Type": "application/json", **sign(etsy.app["webhook_secret"], raw, int(now))}
        etsy.core.webhooks.deliver(f"{etsy.core.web_url}/webhooks/etsy", headers, raw, platform="etsy", topic=event)

    return tell


def sign(secret: str, body: bytes, timestamp: int, message_id: str = "") -> dict[str, str]:
    """Return the headers that prove a message: HMAC-SHA256 over `id.timestamp.body`, the key base64 after `whsec_`."""
    message_id = message_id or f"msg_{secrets.token_hex(14)}"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
