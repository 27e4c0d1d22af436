"""What holds for the whole REST API: tokens, problems, settings, mappings, the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts import authentication
from accounts.models import MarketplaceAccount
from orders.api_urls import urlpatterns
from salestio import tenancy
from tests.api.conftest import Program
from tests.factories import Cast

pytestmark = pytest.mark.django_db


def test_without_a_token_or_with_a_wrong_or_revoked_one_every_address_is_401(merchant: Cast) -> None:
    token, text = authentication.issue(merchant_id=merchant.id, name="old")
    authentication.revoke(token)

    for one in urlpatterns:
        path = "/api/v1/" + str(one.pattern).replace("<id:pk>", "1").replace("<id:number>", "1")
        for headers in (
            {},
            {"authorization": "Bearer nonsense"},
            {"authorization": f"Bearer {text}"},
            {"authorization": "Bearer"},
        ):
            answer = Client().get(path, headers=headers)
            assert answer.status_code == 401, path
            assert answer["Content-Type"] == "application/problem+json"
            assert answer["WWW-Authenticate"] == "Bearer"


def test_a_reading_token_may_not_write(merchant: Cast, program_of: Callable[..., Program]) -> None:
    reader = program_of(merchant, "viewer")

    assert reader.call("GET", "/orders").status_code == 200
    for method, path in (
        ("POST", "/sku-mappings"),
        ("PATCH", "/settings"),
        ("POST", f"/accounts/{merchant.account.pk}/pull"),
    ):
        answer = reader.call(method, path, {})
        assert answer.status_code == 403 and answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/orders/999999999999999999", None, 404),
        ("GET", "/orders/99999999999999999999999", None, 404),
        ("GET", "/nothing", None, 404),
        ("PUT", "/orders", {}, 405),
        ("POST", "/sku-mappings", "{broken", 400),
        ("POST", "/sku-mappings", "[1]", 422),
        ("POST", "/sku-mappings", {"seller_sku": "A\x00", "sku": "B"}, 422),
        ("POST", "/sku-mappings", {"seller_sku": "A", "sku": "B", "account": 99999}, 422),
        ("POST", "/sku-mappings", {"seller_sku": "A" * 300, "sku": "B"}, 422),
        ("DELETE", "/sku-mappings", None, 422),
        ("DELETE", "/sku-mappings/5", None, 404),
        ("PATCH", "/settings", "[1]", 422),
        ("PATCH", "/settings", {"no_such_setting": 1}, 422),
        ("PATCH", "/settings", {"import_orders": "maybe"}, 422),
    ],
)
def test_every_error_is_a_problem_with_a_sentence(api: Program, method: str, path: str, body: Any, status: int) -> None:
    answer = api.call(method, path, body)

    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status and problem["detail"] and problem["title"] and problem["code"]


def test_an_account_has_the_members_agreed(api: Program, merchant: Cast) -> None:
    (account,) = api.get("/accounts")["results"]

    assert account == {
        "id": merchant.account.pk, "platform": "amazon", "key": merchant.account.key, "name": merchant.account.name,
        "region": "na", "sites": ["US"], "state": "active", "store": merchant.store.pk, "newest_order_at": None,
        "last_pull_at": None, "import_lag_p95_seconds": None, "checked_at": None, "findings": [],
    }  # fmt: skip


def test_check_now_is_asked_of_an_active_account_only(api: Program, merchant: Cast) -> None:
    from orders.pull import on_account_connected

    with tenancy.scope(merchant.id):
        on_account_connected(account_id=merchant.account.pk)
    asked = api.call("POST", f"/accounts/{merchant.account.pk}/pull")
    with tenancy.scope(merchant.id):
        MarketplaceAccount.objects.filter(pk=merchant.account.pk).update(state="expired")
    refused = api.call("POST", f"/accounts/{merchant.account.pk}/pull")

    assert asked.status_code == 202 and asked.json() == {"asked": True}
    assert refused.status_code == 409 and "expired" in refused.json()["detail"]


def test_settings_are_read_changed_reset_and_inherited(api: Program, merchant: Cast) -> None:
    general = api.call("PATCH", "/settings", {"import_orders": False}).json()
    inherited = api.get(f"/accounts/{merchant.account.pk}/settings")
    own = api.call("PATCH", f"/accounts/{merchant.account.pk}/settings", {"import_orders": True}).json()
    reset = api.call("PATCH", f"/accounts/{merchant.account.pk}/settings", {"import_orders": None}).json()

    assert (general["import_orders"], inherited["import_orders"], own["import_orders"], reset["import_orders"]) == (
        False, False, True, False,
    )  # fmt: skip
    assert "default_location" in api.get(f"/stores/{merchant.store.pk}/settings")


def test_mappings_are_added_replaced_listed_and_removed(api: Program, merchant: Cast) -> None:
    added = api.call("POST", "/sku-mappings", {"seller_sku": "A", "sku": "B"})
    changed = api.call("POST", "/sku-mappings", {"seller_sku": "A", "sku": "C"})
    own = api.call("POST", "/sku-mappings", {"seller_sku": "A", "sku": "D", "account": merchant.account.pk})

    listed = api.get("/sku-mappings?limit=1")
    rest = api.get(f"/sku-mappings?limit=1&cursor={listed['next']}")
    gone = api.call("DELETE", f"/sku-mappings/{own.json()['id']}")
    several = api.call("DELETE", f"/sku-mappings?id={added.json()['id']}")

    assert (added.status_code, changed.status_code, own.status_code) == (201, 200, 201)
    assert [row["sku"] for row in listed["results"] + rest["results"]] == ["D", "C"] and rest["next"] is None
    assert (gone.status_code, several.status_code) == (204, 204)
    assert api.get("/sku-mappings")["results"] == []


def test_the_openapi_document_describes_every_address(client: Client) -> None:
    answer = client.get("/api/schema/?format=json")

    document = answer.json()
    described = set(document["paths"])
    wanted = {
        "/api/v1/" + str(one.pattern).replace("<id:pk>", "{id}").replace("<id:number>", "{number}")
        for one in urlpatterns
    }
    assert answer.status_code == 200
    assert described == wanted
    assert "Order" in str(document["components"]["schemas"].keys())
    operations = [op["operationId"] for methods in document["paths"].values() for op in methods.values()]
    assert len(operations) == len(set(operations))
