"""Signed pushes: the envelope, eBay's signature, and who is told of what."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.sandbox.ebay.common import Ebay
from connectors.sandbox.ebay.state import Doc
from connectors.sandbox.world import iso_ms

KEYS, STORE = "ebay_keys", "ebay_notifications"
DELETION, REVOCATION, CONFIRMATION = "MARKETPLACE_ACCOUNT_DELETION", "AUTHORIZATION_REVOCATION", "ORDER_CONFIRMATION"


class Pushes:
    """Sends notifications to destinations. Subscriptions and destinations are documents of `STORE`."""

    def __init__(self, ebay: Ebay) -> None:
        self.ebay = ebay
        self.world = ebay.world
        self._key = self._signing_key()
        ebay.on_order.append(self.order_happened)
        ebay.on_revoked.append(self.revoked)
        ebay.on_deleted.append(self.deleted)

    def _signing_key(self) -> ec.EllipticCurvePrivateKey:
        """Return the key of this world, made at its first start."""
        doc = self.world.table(KEYS).get("signing")
        if doc is None:
            made = ec.generate_private_key(ec.SECP256R1())
            pem = made.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            doc = {"kid": str(uuid.uuid4()), "pem": pem.decode()}
            self.world.put(KEYS, "signing", doc)
        key = serialization.load_pem_private_key(doc["pem"].encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    @property
    def kid(self) -> str:
        """The public key's id."""
        return str(self.world.table(KEYS)["signing"]["kid"])

    def public_key(self) -> str:
        """Return the public key as eBay writes it: PEM without line breaks."""
        pem = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return pem.decode().replace("\n", "")

    def sign(self, body: bytes) -> str:
        """Return the value of X-EBAY-SIGNATURE: base64 of JSON with an ECDSA signature over SHA-1 of the body."""
        # SHA-1 is eBay's choice; see notification_signature_vector.json of the saved contracts.
        signature = self._key.sign(body, ec.ECDSA(hashes.SHA1()))  # noqa: S303
        header = {
            "alg": "ecdsa",
            "kid": self.kid,
            "signature": base64.b64encode(signature).decode(),
            "digest": "SHA1",
        }
        return base64.b64encode(json.dumps(header, separators=(",", ":")).encode()).decode()

    # ── what happened ────────────────────────────────────────────────────────────────────────────────────────────────

    def order_happened(self, order: Doc, reason: str) -> None:
        """Tell the seller's subscribers: one notification for each line item."""
        for line in order["lines"]:
            data = {
                "orderId": order["id"],
                "orderLineItemId": line["id"],
                "listingId": line["item_id"],
                "userId": order["seller"],
                "username": order["seller_name"],
            }
            self.tell(reason, data, owner=order["seller"])

    def revoked(self, seller: Doc) -> None:
        """Tell the application that a seller withdrew; what it subscribed to with that seller's token ends."""
        for name, doc in list(self.world.table(STORE).items()):
            if doc.get("kind") == "subscription" and doc["owner"] == seller["key"]:
                self.world.drop(STORE, name)
        now = iso_ms(self.world.now())
        data = {"userId": seller["key"], "username": seller["username"], "revocationDate": now}
        self.tell(REVOCATION, data)

    def deleted(self, username: str, user_id: str) -> None:
        """Tell the application that a member closed their account."""
        eias = base64.b64encode(hashlib.sha256(user_id.encode()).digest()[:30]).decode()
        self.tell(DELETION, {"username": username, "userId": user_id, "eiasToken": eias})

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, topic: str, data: Doc, *, owner: str = "") -> None:
        """Send to every enabled subscription of the topic; `owner` is the seller for topics of sellers.

        Account deletions also go to the address every application must name in eBay's developer portal: here our own
        web server's door. A subscription to the same address does not double them.
        """
        urls = {}
        for subscription in self.world.table(STORE).values():
            if subscription.get("kind") != "subscription" or subscription["topicId"] != topic:
                continue
            if subscription["status"] != "ENABLED" or subscription["owner"] not in ("", owner):
                continue
            destination = self.world.table(STORE).get(f"destination {subscription['destinationId']}")
            if destination and destination["status"] == "ENABLED":
                urls[destination["deliveryConfig"]["endpoint"]] = True
        if topic == DELETION:
            urls[f"{self.ebay.core.web_url}/webhooks/ebay"] = True
        for url in urls:
            self.send(url, topic, data)

    def send(self, url: str, topic: str, data: Doc) -> None:
        """Send one notification; it is delivered again until it is answered with 2xx, with the same id."""
        now = iso_ms(self.world.now())
        body: dict[str, Any] = {
            "metadata": {"topic": topic, "schemaVersion": "1.0", "deprecated": False},
            "notification": {
                "notificationId": f"{uuid.uuid4()}_{uuid.uuid4()}",
                "eventDate": now,
                "publishDate": now,
                "publishAttemptCount": 1,
                "data": data,
            },
        }
        raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "X-EBAY-SIGNATURE": self.sign(raw)}
        self.ebay.core.webhooks.deliver(url, headers, raw, platform="ebay", topic=topic)
