"""eBay's push messages by HTTP: verified, and reduced to what they ask us to look at again.

The header X-EBAY-SIGNATURE is base64 of `{"alg", "kid", "signature", "digest"}`; the signature is ECDSA over the body.
eBay signs the bytes it sends, but its own examples verify over compact JSON, so both are tried: raw bytes first.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from connectors.contract.errors import NotFound, RateLimited, Rejected, TransientError
from connectors.contract.types import AccountEvent, AccountTopic
from connectors.ebay.client import Client
from connectors.ebay.config import PLATFORM, EbayConfig
from connectors.ratelimit import Limiter, Take
from connectors.reading import instant, part, text

SIGNATURE_HEADER = "x-ebay-signature"
KEY_SECONDS = 3600.0
"""How long a public key is kept (eBay: about one hour)."""
UNKNOWN_KEY_SECONDS = 300.0
UNKNOWN_KEYS_KEPT = 50
"""How many key ids eBay does not know are remembered; those it knows are all kept, they are few."""
STALE_KEY_SECONDS = 86400.0
"""How long a known key is believed beyond its hour while it cannot be asked for again: eBay changes them rarely."""

FETCHES = Take("ebay:app:public_key", rate=1.0, capacity=10.0, start=2.0)
"""Fetches of keys together: whoever makes up key ids at our door cannot make us call eBay without end."""

TOPICS = {
    "ORDER_CONFIRMATION": AccountTopic.ORDER,
    "ITEM_MARKED_SHIPPED": AccountTopic.ORDER,
    "MARKETPLACE_ACCOUNT_DELETION": AccountTopic.ERASE_BUYER,
    "AUTHORIZATION_REVOCATION": AccountTopic.REVOKED,
}

_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {"SHA1": hashes.SHA1, "SHA256": hashes.SHA256}
_SELLER = ("sellerUserId", "sellerId", "userId")


@dataclass(frozen=True, slots=True)
class _Key:
    public: ec.EllipticCurvePublicKey | None
    """None: eBay does not know this key."""
    good_until: float


class EbayPush:
    """Implements `PushReader` for eBay. Thread-safe; keep it, for it keeps the public keys."""

    def __init__(self, config: EbayConfig, limiter: Limiter) -> None:
        self._config = config
        self._limiter = limiter
        self._client = Client(seller_key="", tokens=None, limiter=limiter, config=config)
        self._keys: dict[str, _Key] = {}
        self._lock = threading.Lock()

    def challenge(self, query: Mapping[str, str], endpoint: str) -> Mapping[str, str] | None:
        """Answer eBay's challenge: the SHA-256 of its code, our verification token and our address; None: not one."""
        code = query.get("challenge_code", "")
        if not code:
            return None
        digest = hashlib.sha256((code + self._config.verification_token + endpoint).encode())
        return {"challengeResponse": digest.hexdigest()}

    def read(self, headers: Mapping[str, str], body: bytes) -> AccountEvent:
        """Return the event of a genuine message.

        Raises `Rejected` (code `signature`) when the signature is missing or wrong, (code `body`) when what eBay signed
        cannot be read; `TransientError` when the key could not be fetched now.
        """
        told = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE_HEADER, "")
        key_id, signature, digest = _signature(told)
        key = self._key(key_id)
        if not any(_verifies(key, signature, content, digest) for content in _contents(body)):
            raise _refused("the signature does not fit the message")
        return read_event(body)

    def _key(self, key_id: str) -> ec.EllipticCurvePublicKey:
        now = time.monotonic()
        with self._lock:
            known = self._keys.get(key_id)
        if known is None or known.good_until < now:
            try:
                fresh = self._fetch(key_id, now)
            except (TransientError, RateLimited):
                # Whoever uses up our fetches with invented keys must not keep eBay's own messages out.
                if known is None or known.public is None or known.good_until + STALE_KEY_SECONDS < now:
                    raise
                return known.public
            known = fresh
            self._keep(key_id, known, now)
        if known.public is None:
            raise _refused("eBay does not know the key it names")
        return known.public

    def _keep(self, key_id: str, key: _Key, now: float) -> None:
        with self._lock:
            self._keys = {
                name: one
                for name, one in self._keys.items()
                if one.good_until + (STALE_KEY_SECONDS if one.public is not None else 0.0) >= now
            }
            unknown = sum(one.public is None for one in self._keys.values())
            if key.public is not None or unknown < UNKNOWN_KEYS_KEPT:
                self._keys[key_id] = key

    def _fetch(self, key_id: str, now: float) -> _Key:
        wait = self._limiter.take([FETCHES])
        if wait > 0:
            raise RateLimited(
                "Too many keys asked for", retry_after=wait, platform=PLATFORM, operation="getPublicKey", ours=True
            )
        try:
            answer = self._client.public_key(key_id)
        except NotFound:
            return _Key(None, now + UNKNOWN_KEY_SECONDS)
        return _Key(_public(text(answer, "key")), now + KEY_SECONDS)


def _signature(header: str) -> tuple[str, bytes, str]:
    """Return the key's id, the signature and the digest's name of a header."""
    try:
        told: Any = json.loads(base64.b64decode(header, validate=True))
        key_id, digest = str(told["kid"]), str(told.get("digest") or "SHA1").upper().replace("-", "")
        signature = base64.b64decode(str(told["signature"]), validate=True)
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refused("it has no signature" if not header else "its signature cannot be read") from error
    if not _KEY_ID.fullmatch(key_id) or digest not in _HASHES:
        raise _refused("its signature is of a kind we do not know")
    return key_id, signature, digest


def _public(pem: str) -> ec.EllipticCurvePublicKey:
    """Return the key; eBay writes it without the line breaks its format wants."""
    inner = re.sub(r"-----(BEGIN|END) PUBLIC KEY-----|\s", "", pem)
    whole = f"-----BEGIN PUBLIC KEY-----\n{inner}\n-----END PUBLIC KEY-----\n"
    try:
        key = load_pem_public_key(whole.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unreadable_key() from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _unreadable_key()
    return key


def _unreadable_key() -> TransientError:
    return TransientError("eBay gave a key we cannot read", platform=PLATFORM, operation="getPublicKey")


def _contents(body: bytes) -> list[bytes]:
    """Return what may have been signed: the bytes as they came, and the same JSON written compactly."""
    found = [body]
    try:
        compact = json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return found
    return found if compact == body else [body, compact]


def _verifies(key: ec.EllipticCurvePublicKey, signature: bytes, content: bytes, digest: str) -> bool:
    try:
        key.verify(signature, content, ec.ECDSA(_HASHES[digest]()))
    except InvalidSignature:
        return False
    return True


def read_event(body: bytes) -> AccountEvent:
    """Return the event of a message whose signature was verified. Raises `Rejected` (code `body`) when it is no message.

    eBay's page on ORDER_CONFIRMATION says that it carries the orderId, not under which path, so it is looked for.
    """
    try:
        message: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Rejected("eBay's message is no JSON", code="body", platform=PLATFORM) from error
    message = message if isinstance(message, dict) else {}
    notification = part(message, "notification")
    data = part(notification, "data")
    topic = TOPICS.get(text(part(message, "metadata"), "topic"), AccountTopic.OTHER)
    event_id = text(notification, "notificationId") or hashlib.sha256(body).hexdigest()
    at = instant(notification.get("eventDate")) or instant(notification.get("publishDate"))
    if topic is AccountTopic.ERASE_BUYER:
        buyer = {"username": text(data, "username"), "user_id": text(data, "userId")}
        return AccountEvent(event_id, topic, at=at, buyer={name: value for name, value in buyer.items() if value})
    if topic is AccountTopic.OTHER:
        return AccountEvent(event_id, topic, at=at)
    seller = _found(data, _SELLER) if topic is AccountTopic.ORDER else text(data, "userId")
    order_id = _found(data, ("orderId",)) if topic is AccountTopic.ORDER else ""
    return AccountEvent(event_id, topic, account_key=seller, order_ids=(order_id,) if order_id else (), at=at)


def _found(data: Mapping[str, Any], names: tuple[str, ...], *, depth: int = 3) -> str:
    """Return the first text under one of the names, here or in an object or list below. A buyer's part is left out."""
    for name in names:
        if value := text(data, name):
            return value
    if depth == 0:
        return ""
    for name, inner in data.items():
        if "buyer" in name.lower():
            continue
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, dict) and (value := _found(one, names, depth=depth - 1)):
                return value
    return ""


def _refused(words: str) -> Rejected:
    return Rejected(f"A message said to be eBay's was refused: {words}", code="signature", platform=PLATFORM)
