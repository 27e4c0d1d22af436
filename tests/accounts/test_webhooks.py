"""The webhook door, and what a store tells us about itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils.timezone import now

from accounts import credentials, inbox
from accounts.jobs import erase_uninstalled
from accounts.models import ApiToken, Credential, Membership, Merchant, Store, User
from connectors.contract.types import Grant
from salestio import tenancy
from salestio.inbox import drain
from salestio.inbox.models import InboxRow
from tests.factories import Cast

pytestmark = pytest.mark.django_db


def deliver(cast: Cast | None, topic: str, body: dict[str, Any] | bytes, **changes: Any) -> int:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    secret = changes.pop("secret", settings.PLATFORM_APPS["shopify"]["client_secret"])
    signature = base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()
    headers = {
        "X-Shopify-Hmac-Sha256": signature,
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": cast.store.key if cast else "nobody.myshopify.com",
        "X-Shopify-Event-Id": "event-1",
        "X-Shopify-Triggered-At": now().isoformat(),
        **changes,
    }
    headers = {name: value for name, value in headers.items() if value is not None}
    return Client().post("/webhooks/shopify", raw, content_type="application/json", headers=headers).status_code


def rows(cast: Cast) -> list[InboxRow]:
    with tenancy.scope(cast.id):
        return list(InboxRow.objects.order_by("pk"))


def test_a_genuine_message_is_saved_as_ids_and_answered_200(merchant: Cast) -> None:
    body = {"inventory_item_id": 77, "location_id": 5, "available": 3, "canary": "Margaret"}

    assert deliver(merchant, "inventory_levels/update", body) == 200

    (row,) = rows(merchant)
    assert (row.topic, row.store_ref, row.object_ids) == (
        "stock",
        merchant.store.pk,
        ["gid://shopify/InventoryItem/77"],
    )
    assert "Margaret" not in str(row.__dict__)


def test_a_repeated_message_is_absorbed(merchant: Cast) -> None:
    for _ in range(3):
        assert deliver(merchant, "products/update", {"id": 1}) == 200

    assert len(rows(merchant)) == 1


def test_messages_of_one_event_about_different_things_are_kept_apart(merchant: Cast) -> None:
    deliver(merchant, "products/update", {"id": 1})
    deliver(merchant, "products/update", {"id": 2})
    deliver(merchant, "inventory_levels/update", {"inventory_item_id": 1})

    assert len(rows(merchant)) == 3


@pytest.mark.parametrize("topic", ["products/update", "customers/redact", "customers/data_request", "shop/redact"])
@pytest.mark.parametrize(
    "changes", [{"secret": "wrong"}, {"X-Shopify-Hmac-Sha256": None}, {"X-Shopify-Hmac-Sha256": "ü"}]
)
def test_a_wrong_or_missing_signature_gets_401_and_leaves_no_row(
    merchant: Cast, topic: str, changes: dict[str, Any]
) -> None:
    assert deliver(merchant, topic, {"id": 1}, **changes) == 401
    assert rows(merchant) == []


@pytest.mark.parametrize("topic", ["customers/redact", "customers/data_request", "shop/redact"])
def test_compliance_messages_with_a_good_signature_get_200_even_for_a_shop_we_do_not_know(
    merchant: Cast, topic: str
) -> None:
    assert deliver(merchant, topic, {"orders_to_redact": [], "orders_requested": []}) == 200
    assert deliver(None, topic, {}) == 200


def test_bad_input_gets_a_clear_4xx(merchant: Cast) -> None:
    assert deliver(merchant, "products/update", b"[1]") == 400
    assert deliver(merchant, "products/update", b"\xff\xfe") == 400
    assert (
        deliver(merchant, "products/update", {"id": 1}, **{"X-Shopify-Shop-Domain": "evil.example/x.myshopify.com"})
        == 400
    )
    assert deliver(None, "products/update", {"id": 1}) == 404
    assert Client().post("/webhooks/myspace", b"{}", content_type="application/json").status_code == 404
    assert Client().get("/webhooks/shopify").status_code == 405
    assert rows(merchant) == []


def test_more_than_two_megabytes_get_413(merchant: Cast) -> None:
    assert deliver(merchant, "products/update", b"x" * (2 * 1024 * 1024 + 1)) == 413
    assert deliver(merchant, "products/update", {"id": 1, "pad": "x" * 2_000_000}) == 200


def test_a_message_goes_to_the_merchant_whose_store_it_names(merchant: Cast, stranger: Cast) -> None:
    deliver(stranger, "products/update", {"id": 1})

    assert rows(merchant) == []
    assert len(rows(stranger)) == 1


def test_a_message_costs_the_database_little(
    merchant: Cast, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    deliver(merchant, "products/update", {"id": 0})

    with django_assert_max_num_queries(6):  # transaction begin and end, the route, the scope twice, the row
        deliver(merchant, "products/update", {"id": 1})


# ── what a store says of itself ──────────────────────────────────────────────────────────────────────────────────────


def store_of(cast: Cast) -> Store:
    with tenancy.scope(cast.id):
        return Store.objects.get(pk=cast.store.pk)


def connect_tokens(cast: Cast) -> None:
    with tenancy.scope(cast.id):
        credentials.store_grant(cast.store, Grant(key=cast.store.key, access_token="a", refresh_token="r"))


def test_uninstalling_stops_the_store_and_drops_its_tokens(merchant: Cast) -> None:
    connect_tokens(merchant)
    with tenancy.scope(merchant.id):
        Store.objects.update(authorized_at=now() - timedelta(hours=1))
    deliver(merchant, "app/uninstalled", {"id": 1})

    drain.drain(merchant.id, merchant.store.pk)

    store = store_of(merchant)
    assert (store.state, store.state_reason, store.uninstalled_at is not None) == ("disabled", "uninstalled", True)
    with tenancy.scope(merchant.id):
        assert bytes(Credential.objects.get(store=store).access_sealed) == b""
        assert Merchant.objects.get(pk=merchant.id).uninstalled_at is not None
    assert all(row.done_at for row in rows(merchant))


def test_a_late_uninstall_message_does_not_stop_a_store_installed_again(merchant: Cast) -> None:
    deliver(merchant, "app/uninstalled", {"id": 1}, **{"X-Shopify-Triggered-At": "2026-01-01T00:00:00Z"})

    drain.drain(merchant.id, merchant.store.pk)

    assert store_of(merchant).state == "active"


def test_after_the_grace_period_everything_personal_is_erased_and_the_key_stays_taken(merchant: Cast) -> None:
    connect_tokens(merchant)
    with tenancy.scope(merchant.id):
        Store.objects.update(
            state="disabled",
            state_reason="uninstalled",
            uninstalled_at=now() - timedelta(days=29),
            email="a@example.com",
        )
    assert erase_uninstalled(merchant.id, now()) == {}

    assert erase_uninstalled(merchant.id, now() + timedelta(days=2)) == {"erased": 1}

    store = store_of(merchant)
    assert (store.state_reason, store.email) == ("erased", "")
    assert not Membership.objects.filter(merchant_ref=merchant.id).exists()
    assert not User.objects.filter(pk=merchant.user.pk).exists()
    assert not ApiToken.objects.filter(merchant_ref=merchant.id, revoked_at=None).exists()
    assert erase_uninstalled(merchant.id, now() + timedelta(days=40)) == {}


def test_a_person_with_another_merchant_keeps_their_account(merchant: Cast, stranger: Cast) -> None:
    Membership.objects.create(user=merchant.user, merchant_ref=stranger.id, role="viewer")
    with tenancy.scope(merchant.id):
        Store.objects.update(state="disabled", state_reason="uninstalled", uninstalled_at=now() - timedelta(days=31))

    erase_uninstalled(merchant.id, now())

    assert User.objects.filter(pk=merchant.user.pk).exists()


def test_a_store_is_not_erased_on_request_once_it_is_installed_again(merchant: Cast) -> None:
    inbox.on_redact_store(merchant.id, merchant.store.pk, [], rows(merchant))

    assert store_of(merchant).state == "active"


def test_a_request_for_data_becomes_an_alert_with_the_order_ids(merchant: Cast) -> None:
    from notifications.alerts import open_alerts

    deliver(merchant, "customers/data_request", {"orders_requested": [5, 6], "customer": {"email": "x@example.com"}})
    drain.drain(merchant.id, merchant.store.pk)

    with tenancy.scope(merchant.id):
        (alert,) = open_alerts()
    assert alert.alert.data["orders"] == ["gid://shopify/Order/5", "gid://shopify/Order/6"]
    assert "x@example.com" not in str(alert.alert.data)
