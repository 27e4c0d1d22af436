"""Etsy's webhooks: verified by the Standard Webhooks scheme (Svix), reduced to what to look at again.

The signature is an HMAC-SHA256 over `id.timestamp.body` with the key in the endpoint's secret; during a change of
secrets the header holds several. Bodies are flat: `{"event_type", "resource_url", "shop_id"}`. The address in them is
never fetched: only the numbers in it are used, and only where it has exactly the form of a receipt's.

Sources: etsy/open-api discussions 1509, 1564 and 1747; the scheme itself is published as Standard Webhooks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from connectors.contract.errors import Rejected
from connectors.contract.types import AccountEvent, AccountTopic
from connectors.etsy.config import PLATFORM, EtsyConfig
from connectors.etsy.reading import number_id, text
from connectors.ratelimit import Limiter

WINDOW_SECONDS = 300
"""How far the time in the headers may be from ours, either way."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - how every such secret begins
_ORDERS = "order."
_RECEIPT = re.compile(r"/v3/application/shops/([0-9]{1,19})/receipts/([0-9]{1,19})/?")


class EtsyPush:
    """Implements `PushReader` for Etsy. Thread-safe; it calls nobody, so the limiter is not used."""

    def __init__(self, config: EtsyConfig, limiter: Limiter) -> None:
        self._config = config

    def read(self, headers: Mapping[str, str], body: bytes) -> AccountEvent:
        """Return the event of a genuine message. Raises `Rejected` (code `signature`) for any other.

        What is genuine but tells of no receipt (listings, inventory, something new) has the topic `OTHER`.
        """
        known = {name.lower(): value.strip() for name, value in headers.items()}
        message_id, at = self._verified(known, body)
        event = _event(body)
        shop_id, receipt_id = _receipt(event)
        if not text(event, "event_type").startswith(_ORDERS) or not receipt_id:
            return AccountEvent(message_id, AccountTopic.OTHER, account_key=shop_id, at=at)
        return AccountEvent(message_id, AccountTopic.ORDER, account_key=shop_id, order_ids=(receipt_id,), at=at)

    def challenge(self, query: Mapping[str, str], endpoint: str) -> Mapping[str, str] | None:
        """Return None: Etsy asks no such question."""
        return None

    def _verified(self, headers: Mapping[str, str], body: bytes) -> tuple[str, datetime]:
        """Return the message's id and time."""
        message_id = headers.get("webhook-id") or headers.get("svix-id", "")
        sent = headers.get("webhook-timestamp") or headers.get("svix-timestamp", "")
        told = headers.get("webhook-signature") or headers.get("svix-signature", "")
        if not message_id or not told or not (sent.isascii() and sent.isdecimal() and len(sent) < 12):
            raise _refused("its signature headers are missing or odd")
        signed = f"{message_id}.{sent}.".encode() + body
        right = base64.b64encode(hmac.new(self._key(), signed, hashlib.sha256).digest())
        genuine = False
        for entry in told.split():
            version, _, signature = entry.partition(",")
            if version == "v1" and hmac.compare_digest(signature.encode(), right):
                genuine = True
        if not genuine:
            raise _refused("its signature is wrong")
        at = datetime.fromtimestamp(int(sent), UTC)
        # Checked after the signature, so that a stranger learns nothing of our clock.
        if abs((datetime.now(UTC) - at).total_seconds()) > WINDOW_SECONDS:
            raise _refused("it is older than five minutes, or from the future")
        return message_id, at

    def _key(self) -> bytes:
        secret = self._config.webhook_secret
        if not secret:
            raise _refused("no webhook secret is set here")
        try:
            key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not key:
            raise _refused("our webhook secret is not one of Etsy's; the operator must look")
        return key


def _event(body: bytes) -> Mapping[str, Any]:
    try:
        event = json.loads(body)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _receipt(event: Mapping[str, Any]) -> tuple[str, str]:
    """Return the shop's and the receipt's id; the latter empty when the message does not name one of that shop."""
    shop_id = number_id(event, "shop_id")
    try:
        path = urlsplit(text(event, "resource_url")).path
    except ValueError:
        path = ""
    named = _RECEIPT.fullmatch(path)
    if named is None or (shop_id and int(shop_id) != int(named[1])):
        return shop_id, ""
    return shop_id or str(int(named[1])), str(int(named[2]))


def _refused(why: str) -> Rejected:
    return Rejected(f"This message was not taken as Etsy's: {why}", code="signature", platform=PLATFORM)
