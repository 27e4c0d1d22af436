"""What BigCommerce tells us: which events we ask for, and how a delivery is verified and read.

A webhook says "look again at these", never what is true now: its values may be hours old. Header names and scopes are
in this file only. Facts: BigCommerce's webhook overview and the pages of its events.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.bigcommerce.config import PLATFORM, is_store_hash
from connectors.contract.errors import Rejected
from connectors.contract.types import StoreEvent
from salestio.lib.text import storable

SIGNATURE = "webhook-signature"
SIGNED_ID = "webhook-id"
SIGNED_AT = "webhook-timestamp"
HOOK_HEADER = "X-Salestio-Hook"
"""Our own header, given to BigCommerce when a hook is made and sent back with every delivery."""

TOLERANCE_SECONDS = 300.0
"""How old or new a signature may be to prove anything by itself."""

_LATEST = 4e9
"""Unix time of the year 2096; a date beyond is none."""

Data = Mapping[str, Any]


def _id(value: Any, prefix: str = "") -> tuple[str, ...]:
    """Return the id as a one-part tuple, nothing when there is none."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return (f"{prefix}{text}",) if text.isdigit() else ()


def _object(data: Data) -> tuple[str, ...]:
    return _id(data.get("id"))


def _none(data: Data) -> tuple[str, ...]:
    return ()


def _part(data: Data, name: str) -> Data:
    held = data.get(name)
    return held if isinstance(held, dict) else {}


def _product_stock(data: Data) -> tuple[str, ...]:
    return _id(_part(data, "inventory").get("product_id") or data.get("id"), "product:")


def _sku_stock(data: Data) -> tuple[str, ...]:
    inventory = _part(data, "inventory")
    return _id(inventory.get("variant_id"), "variant:") + _id(inventory.get("product_id"), "product:")


def _place_stock(data: Data) -> tuple[str, ...]:
    return _id(data.get("variant_id"), "variant:") + _id(data.get("product_id"), "product:")


def _sku_product(data: Data) -> tuple[str, ...]:
    return _id(_part(data, "sku").get("product_id"))


def _refund(data: Data) -> tuple[str, ...]:
    return _id(data.get("id")) + _id(_part(data, "refund").get("refund_id"))


def _shipment(data: Data) -> tuple[str, ...]:
    return _id(data.get("orderId")) + _id(data.get("id"))


def _place(data: Data) -> tuple[str, ...]:
    return _id(data.get("location_id") or data.get("id"))


STATUS_TOPICS: Mapping[int, str] = {4: "refund", 5: "order_canceled", 14: "refund"}
"""What an order's new status means to us; any other asks us to look at the order again."""


@dataclass(frozen=True, slots=True)
class Topic:
    """An event: BigCommerce's scope, our word, which objects to look at again."""

    scope: str
    ours: str
    objects: Callable[[Data], tuple[str, ...]]
    optional: bool = False
    """Nothing is missed when the store refuses it: others tell of most of it, and figures are read again anyway."""


TOPICS: tuple[Topic, ...] = (
    Topic("store/product/inventory/updated", "stock", _product_stock),
    Topic("store/product/inventory/order/updated", "stock", _product_stock),
    Topic("store/sku/inventory/updated", "stock", _sku_stock),
    Topic("store/sku/inventory/order/updated", "stock", _sku_stock),
    # Fires for every location. The guide to inventory events has it, the reference of webhooks does not.
    Topic("store/channel/*/inventory/product/stock_changed", "stock", _place_stock, optional=True),
    Topic("store/product/created", "product", _object),
    Topic("store/product/updated", "product", _object),
    Topic("store/product/deleted", "product_deleted", _object),
    Topic("store/sku/created", "product", _sku_product),
    Topic("store/sku/updated", "product", _sku_product),
    Topic("store/sku/deleted", "product", _sku_product),
    Topic("store/order/statusUpdated", "order", _object),
    Topic("store/order/archived", "order", _object),
    Topic("store/order/refund/created", "refund", _refund),
    Topic("store/shipment/created", "shipment", _shipment),
    Topic("store/shipment/updated", "shipment", _shipment),
    Topic("store/shipment/deleted", "shipment", _shipment),
    Topic("store/inventory/location/created", "location", _place),
    Topic("store/inventory/location/updated", "location", _place),
    Topic("store/information/updated", "store", _none),
    Topic("store/app/uninstalled", "uninstalled", _none),
)
"""No order/created and no order/updated: we make those orders, and read again what we act on."""

BY_SCOPE: Mapping[str, Topic] = {topic.scope: topic for topic in TOPICS}


def hook_value(store_hash: str, secret: str) -> str:
    """Return the value of our own header for a store's hooks: nobody without our secret can make another store's."""
    return hmac.new(secret.encode(), f"hook:{store_hash}".encode(), hashlib.sha256).hexdigest()


def sign(body: bytes, secret: str, *, message_id: str, timestamp: int) -> str:
    """Return the Standard Webhooks signature BigCommerce would send: `v1,` and base64 of HMAC-SHA256.

    BigCommerce hands its receivers base64(client secret) as key, which is decoded again: the key is the secret itself.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def read(headers: Mapping[str, str], body: bytes, *, secret: str, now: float | None = None) -> StoreEvent:
    """Verify a delivery and return what it asks us to look at again.

    `secret` is the app's client secret; several, separated by commas, while it is being rotated. `now` is Unix time in
    seconds. Either the signature or our own header must be there and right; one that is there and wrong refuses. A
    signature that is right but old proves nothing by itself: a repeat after hours then stands on our header alone.

    Raises `Rejected` (code `signature`) before anything is acted on, (code `payload`, `store`) when it makes no sense.
    A scope we do not know comes back as `other`. The event id is BigCommerce's own `hash`, which all deliveries of one
    event share.
    """
    given = {name.lower(): value for name, value in headers.items()}
    secrets = [part.strip() for part in secret.split(",") if part.strip()]
    signed = _signature_fits(given, body, secrets, time.time() if now is None else now)
    payload = _parsed(body)
    store_hash = str(payload.get("producer") or "").removeprefix("stores/") if payload is not None else ""
    ours = _header_fits(given, store_hash, secrets)
    if signed is False or ours is False or not (signed or ours):
        raise Rejected("The webhook's signature is missing or wrong", code="signature", platform=PLATFORM)
    if payload is None:
        raise Rejected("The webhook's body is not a JSON object", code="payload", platform=PLATFORM)
    if not is_store_hash(store_hash):
        raise Rejected("The webhook names no store", code="store", platform=PLATFORM)
    return _event(payload, store_hash, body)


def _event(payload: Mapping[str, Any], store_hash: str, body: bytes) -> StoreEvent:
    data = _part(payload, "data")
    topic = BY_SCOPE.get(_known_scope(str(payload.get("scope") or "")))
    word = topic.ours if topic else "other"
    if topic and topic.scope == "store/order/statusUpdated":
        status = _part(data, "status").get("new_status_id")
        word = STATUS_TOPICS.get(status, word) if isinstance(status, int) else word
    told = payload.get("hash")
    return StoreEvent(
        event_id=told[:100] if isinstance(told, str) and told else hashlib.sha256(body).hexdigest(),
        topic=word,
        store_key=store_hash,
        object_ids=topic.objects(data) if topic else (),
        triggered_at=_time(payload.get("created_at")),
        payload=payload,
    )


def _known_scope(scope: str) -> str:
    """Return the scope as we know it: a delivery may name the channel where the subscription has a star."""
    parts = scope.split("/")
    if len(parts) > 2 and parts[:2] == ["store", "channel"]:
        parts[2] = "*"
    return "/".join(parts)


def _signature_fits(given: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> bool | None:
    """Say whether the signature is right; None when there is none, or when it is right but too old to prove anything."""
    message_id, stamp, signatures = (given.get(name, "").strip() for name in (SIGNED_ID, SIGNED_AT, SIGNATURE))
    if not signatures:
        return None
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        return False
    wanted = [sign(body, secret, message_id=message_id, timestamp=int(stamp)) for secret in secrets]
    # All are compared, whichever fits, so that the time taken says nothing.
    fits = [_same(one, part) for one in wanted for part in signatures.split()[:10]]
    if not any(fits):
        return False
    return True if abs(now - int(stamp)) <= TOLERANCE_SECONDS else None


def _header_fits(given: Mapping[str, str], store_hash: str, secrets: Sequence[str]) -> bool | None:
    value = given.get(HOOK_HEADER.lower(), "").strip()
    if not value:
        return None
    fits = [_same(hook_value(store_hash, secret), value) for secret in secrets]
    return any(fits)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode("utf-8", "replace"))


def _parsed(body: bytes) -> Mapping[str, Any] | None:
    try:
        payload = storable(json.loads(body))
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None


def _time(seconds: Any) -> datetime | None:
    fits = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < _LATEST
    return datetime.fromtimestamp(seconds, UTC) if fits else None
