"""The doors for BigCommerce's webhooks and for what eBay and Etsy push: who is believed, what is kept, whom it concerns."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.test import Client

from accounts import connections, credentials
from accounts.models import AccountRoute, MarketplaceAccount, Store, StoreRoute
from connectors.contract.types import Grant, PersonalDetails
from connectors.ebay.auth import AppTokens
from orders.models import Buyer, DirtyOrder
from salestio import tenancy
from salestio.inbox import drain
from salestio.inbox.models import InboxRow
from tests.connectors.wire import Wire, answer
from tests.factories import Cast, amazon_line, make_merchant
from tests.pages.conftest import save_order

pytestmark = pytest.mark.django_db

KEY = ec.generate_private_key(ec.SECP256R1())


def post(platform: str, body: bytes, headers: dict[str, str]) -> int:
    return Client().post(f"/webhooks/{platform}", body, content_type="application/json", headers=headers).status_code


def rows(cast: Cast) -> list[InboxRow]:
    with tenancy.scope(cast.id):
        return list(InboxRow.objects.order_by("pk"))


def dirty(cast: Cast) -> list[str]:
    with tenancy.scope(cast.id):
        return list(DirtyOrder.objects.order_by("pk").values_list("marketplace_order_id", flat=True))


def sells_as(cast: Cast, platform: str, key: str) -> Cast:
    """Let the cast's account be this seller."""
    with tenancy.scope(cast.id):
        MarketplaceAccount.objects.filter(pk=cast.account.pk).update(platform=platform, region="", key=key)
    AccountRoute.objects.filter(account_ref=cast.account.pk).update(platform=platform, region="", key=key)
    return cast


# ── BigCommerce ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shop(db: None) -> Cast:
    return make_merchant("Lumen & Loom", storefront="bigcommerce")


def told(cast: Cast, scope: str = "store/product/updated", number: int = 118, **more: Any) -> bytes:
    body = {"producer": f"stores/{cast.store.key}", "scope": scope, "hash": f"h{number}", "created_at": int(time.time()),
            "store_id": "1", "data": {"type": "product", "id": number}, **more}  # fmt: skip
    return json.dumps(body).encode()


def signature(body: bytes, *, secret: str = "", at: int = 0) -> dict[str, str]:
    """Return the headers BigCommerce signs a delivery with (Standard Webhooks)."""
    secret = secret or settings.PLATFORM_APPS["bigcommerce"]["client_secret"]
    at = at or int(time.time())
    made = hmac.new(secret.encode(), f"msg-1.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": "msg-1",
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(made).decode()}",
    }


def our_header(cast: Cast, secret: str = "") -> dict[str, str]:
    """Return the header we gave BigCommerce for this store's hooks."""
    secret = secret or settings.PLATFORM_APPS["bigcommerce"]["client_secret"]
    value = hmac.new(secret.encode(), f"hook:{cast.store.key}".encode(), hashlib.sha256).hexdigest()
    return {"X-Salestio-Hook": value}


@pytest.mark.parametrize("kind", ["signature", "header", "both"])
def test_a_delivery_that_proves_itself_either_way_is_kept_as_ids(shop: Cast, kind: str) -> None:
    body = told(shop, canary="Margaret")
    headers = (signature(body) if kind != "header" else {}) | (our_header(shop) if kind != "signature" else {})

    for _ in range(3):
        assert post("bigcommerce", body, headers) == 200

    (row,) = rows(shop)
    assert (row.topic, row.store_ref, row.object_ids) == ("product", shop.store.pk, ["118"])
    assert "Margaret" not in str(row.__dict__)


def test_the_same_hash_from_two_stores_of_a_merchant_is_two_messages(shop: Cast) -> None:
    """BigCommerce's hash tells events of one store apart (stores.md 3.5)."""
    with tenancy.scope(shop.id):
        second = Store.objects.create(platform="bigcommerce", key="second00001", name="Second")
    StoreRoute.objects.create(platform="bigcommerce", key=second.key, merchant_ref=shop.id, store_ref=second.pk)
    other = replace(shop, store=second)

    for cast in (shop, other):
        body = told(cast, "store/app/uninstalled")
        assert post("bigcommerce", body, signature(body)) == 200

    assert [row.store_ref for row in rows(shop)] == [shop.store.pk, second.pk]


def test_a_delivery_that_proves_nothing_gets_401_and_leaves_no_row(shop: Cast) -> None:
    body = told(shop)
    other = make_merchant("Stranger", storefront="bigcommerce")
    long_ago = int(time.time()) - 3600
    wrong: list[dict[str, str]] = [
        {}, signature(body, secret="x" * 40), signature(b"{}"), our_header(shop, "x" * 40), our_header(other),
        our_header(shop) | {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,x"},
        signature(body, at=long_ago),
    ]  # fmt: skip

    assert [post("bigcommerce", body, headers) for headers in wrong] == [401] * len(wrong)
    assert rows(shop) == []


def test_odd_bodies_get_a_clear_4xx_and_strangers_get_nothing(shop: Cast) -> None:
    nobody = told(shop).replace(shop.store.key.encode(), b"nobodys0ne")
    assert post("bigcommerce", nobody, signature(nobody)) == 404
    for body in (b"[]", b"\xff", b"{}", told(shop, producer="stores/../x")):
        assert post("bigcommerce", body, signature(body)) == 400
    big = b" " * (2 * 1024 * 1024 + 1)
    assert post("bigcommerce", big, signature(big)) == 413
    assert Client().get("/webhooks/bigcommerce").status_code == 405
    assert rows(shop) == []


def test_the_uninstall_message_stops_the_store_as_the_callback_does(shop: Cast) -> None:
    with tenancy.scope(shop.id):
        credentials.store_grant(shop.store, Grant(key=shop.store.key, access_token="a", refresh_token=""))
        Store.objects.update(authorized_at="2026-01-01T00:00:00Z")
    body = told(shop, "store/app/uninstalled")

    for _ in range(2):
        assert post("bigcommerce", body, our_header(shop)) == 200
        drain.drain(shop.id, shop.store.pk)

    with tenancy.scope(shop.id):
        assert Store.objects.get().state_reason == "uninstalled"


# ── eBay ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def ebay(redis_url: str, settings: Any) -> Iterator[Wire]:
    """An eBay that gives out one public key, whatever is asked."""
    wire = Wire()
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    wire.answer_with(
        answer(200, {"access_token": "app-token", "expires_in": 7200}),
        answer(200, {"key": pem.replace("\n", ""), "algorithm": "ECDSA", "digest": "SHA1"}),
    )
    urls = dict.fromkeys(settings.PLATFORM_URLS["ebay"], wire.url)
    settings.PLATFORM_URLS = settings.PLATFORM_URLS | {"ebay": urls}
    connections.forget_all()
    yield wire
    AppTokens._all.pop(connections.config("ebay"), None)
    connections.forget_all()
    wire.close()


def ebay_says(topic: str, number: str = "n-1", **data: Any) -> bytes:
    when = "2026-11-20T09:00:00.000Z"
    notice = {"notificationId": number, "eventDate": when, "publishDate": when, "publishAttemptCount": 1, "data": data}
    metadata = {"topic": topic, "schemaVersion": "1.0", "deprecated": False}
    return json.dumps({"metadata": metadata, "notification": notice}).encode()


def ebay_signs(body: bytes) -> dict[str, str]:
    made = base64.b64encode(KEY.sign(body, ec.ECDSA(hashes.SHA1()))).decode()  # noqa: S303 - eBay's choice
    header = {"alg": "ecdsa", "kid": "key-1", "signature": made, "digest": "SHA1"}
    return {"X-EBAY-SIGNATURE": base64.b64encode(json.dumps(header).encode()).decode()}


def test_ebays_challenge_is_answered_for_our_own_address(ebay: Wire) -> None:
    asked = Client().get("/webhooks/ebay", {"challenge_code": "abc"})

    token = settings.PLATFORM_APPS["ebay"]["verification_token"]
    wanted = hashlib.sha256(f"abc{token}{settings.WEB_URL}/webhooks/ebay".encode()).hexdigest()
    assert (asked.status_code, asked.json()) == (200, {"challengeResponse": wanted})
    assert asked["Content-Type"] == "application/json"
    assert Client().get("/webhooks/ebay").status_code == 405


def test_a_push_ebay_signed_makes_its_seller_look_at_the_order_and_nobody_else(ebay: Wire, merchant: Cast) -> None:
    seller = sells_as(merchant, "ebay", "EBLUMEN5Q")
    other = sells_as(make_merchant("Stranger"), "ebay", "EBOTHER1")
    body = ebay_says("ORDER_CONFIRMATION", orderId="14-10402-77120", sellerUserId="EBLUMEN5Q")

    for _ in range(2):
        assert post("ebay", body, ebay_signs(body)) == 200

    assert dirty(seller) == ["14-10402-77120"]
    assert len(rows(seller)) == 1
    assert (dirty(other), rows(other)) == ([], [])


def test_a_push_ebay_did_not_sign_is_refused_and_leaves_nothing(ebay: Wire, merchant: Cast) -> None:
    seller = sells_as(merchant, "ebay", "EBLUMEN5Q")
    body = ebay_says("ORDER_CONFIRMATION", orderId="14-1", sellerUserId="EBLUMEN5Q")

    assert post("ebay", body, ebay_signs(body + b"changed")) == 412
    assert post("ebay", body, {}) == 412
    assert post("ebay", body, {"X-EBAY-SIGNATURE": "ü"}) == 412
    assert (dirty(seller), rows(seller)) == ([], [])


def test_a_closed_ebay_account_is_erased_at_every_merchant_concerned_and_only_there(ebay: Wire, merchant: Cast) -> None:
    gone, stays = "quiet_fern_204", "someone_else"
    first = sells_as(merchant, "ebay", "EBLUMEN5Q")
    second = sells_as(make_merchant("Harbour & Kiln"), "ebay", "EBHARBOUR7")
    for cast in (first, second):
        for name in (gone, stays):
            save_order(cast, amazon_line("SKU"), personal=PersonalDetails(buyer_name="Ada", buyer_ids=(name,)))
    body = ebay_says("MARKETPLACE_ACCOUNT_DELETION", username=gone, userId="u-1", eiasToken="e")

    for _ in range(2):
        assert post("ebay", body, ebay_signs(body)) == 200
        for cast in (first, second):
            drain.drain(cast.id, 0)

    for cast in (first, second):
        with tenancy.scope(cast.id):
            assert Buyer.objects.count() == 1
        assert gone not in str([row.__dict__ for row in rows(cast)])


# ── Etsy ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def etsy_signs(body: bytes, *, at: int = 0, secret: str = "") -> dict[str, str]:
    secret = secret or settings.PLATFORM_APPS["etsy"]["webhook_secret"]
    at = at or int(time.time())
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = base64.b64encode(hmac.new(key, f"msg_1.{at}.".encode() + body, hashlib.sha256).digest()).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": f"v1,{made}"}


def etsy_says(shop: str = "51230077", receipt: str = "3400000011", event: str = "order.paid") -> bytes:
    resource = f"https://openapi.etsy.com/v3/application/shops/{shop}/receipts/{receipt}"
    return json.dumps({"event_type": event, "resource_url": resource, "shop_id": shop}).encode()


def test_a_push_etsy_signed_makes_its_shop_look_at_the_receipt_once(merchant: Cast, redis_url: str) -> None:
    seller = sells_as(merchant, "etsy", "51230077")
    body = etsy_says()

    for _ in range(2):
        assert post("etsy", body, etsy_signs(body)) == 200

    assert dirty(seller) == ["3400000011"]
    assert len(rows(seller)) == 1


def test_a_push_etsy_did_not_sign_or_signed_long_ago_is_refused(merchant: Cast, redis_url: str) -> None:
    seller = sells_as(merchant, "etsy", "51230077")
    body = etsy_says()
    stranger_key = "whsec_" + base64.b64encode(b"x" * 24).decode()

    for headers in (
        {},
        etsy_signs(b"{}"),
        etsy_signs(body, secret=stranger_key),
        etsy_signs(body, at=int(time.time()) - 900),
    ):
        assert post("etsy", body, headers) == 412
    assert (dirty(seller), rows(seller)) == ([], [])


def test_a_genuine_push_about_a_shop_or_address_that_is_not_ours_changes_nothing(
    merchant: Cast, redis_url: str
) -> None:
    seller = sells_as(merchant, "etsy", "51230077")
    elsewhere = json.dumps(
        {"event_type": "order.paid", "resource_url": "https://evil.example/x", "shop_id": "51230077"}
    )

    for body in (etsy_says(shop="99999999"), etsy_says(event="listing.updated"), elsewhere.encode()):
        assert post("etsy", body, etsy_signs(body)) == 200
    assert dirty(seller) == []
    assert Client().get("/webhooks/etsy", {"challenge_code": "x"}).status_code == 405
