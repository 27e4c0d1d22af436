"""The demo's seed against the running sandbox."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import connections, demo
from accounts.models import AccountRoute, ApiToken, MarketplaceAccount, Membership, StoreRoute, User
from connectors import registry
from salestio import tenancy
from tests.environment import RUN

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def demo_mode(transactional_db: None, redis_url: str, sandbox: Any, settings: Any) -> None:
    sandbox.reset()
    sandbox.control("POST", "/limits", {"profile": "off"})
    settings.DEMO = True
    settings.DATA_DIR = RUN.directory


def seed() -> dict[str, Any]:
    out = io.StringIO()
    call_command("seed_demo", "--no-traffic", stdout=out)
    line: dict[str, Any] = json.loads(out.getvalue())
    return line


def test_the_seed_makes_the_merchants_as_the_control_api_says(demo_mode: None) -> None:
    line = seed()

    first, second, third = line["merchants"]
    assert [(a["key"], a["sites"], a["region"]) for a in first["accounts"]] == [
        ("A1NORTHPINEUS", ["US"], "na"), ("A2NORTHPINEUK", ["UK"], "eu"), ("A3NORTHPINEOUT", ["US", "CA"], "na"),
    ]  # fmt: skip
    assert second["stores"] == [{"platform": "shopify", "key": "harbour-and-kiln.myshopify.com"}]
    assert third["stores"] == [{"platform": "bigcommerce", "key": "lmnloom7k2"}]
    # Orders of every marketplace flow into every store (tests/orders/test_pairs.py).
    for merchant in (second, third):
        assert {a["platform"] for a in merchant["accounts"]} == {line.name for line in registry.marketplaces()}
    assert set(line["admin"]) == {"login", "password"}
    for merchant in line["merchants"]:
        client = Client()
        signed = client.post("/sign-in/", {"email": merchant["login"], "password": merchant["password"]})
        assert signed.status_code == 302
        answer = client.get("/api/v1/accounts", headers={"Authorization": f"Bearer {merchant['api_token']}"})
        assert [a["key"] for a in answer.json()["results"]] == [a["key"] for a in merchant["accounts"]]


def test_seeding_again_changes_nothing(demo_mode: None) -> None:
    before = seed()
    counts = [model.objects.count() for model in (User, Membership, ApiToken, StoreRoute, AccountRoute)]

    assert seed() == before
    assert [model.objects.count() for model in (User, Membership, ApiToken, StoreRoute, AccountRoute)] == counts


def test_what_the_merchant_disconnected_stays_disconnected_over_a_restart(demo_mode: None) -> None:
    seed()
    route = AccountRoute.objects.get(key="A1NORTHPINEUS")
    with tenancy.scope(route.merchant_ref):
        MarketplaceAccount.objects.filter(pk=route.account_ref).update(state="disabled")

    seed()

    with tenancy.scope(route.merchant_ref):
        assert MarketplaceAccount.objects.get(pk=route.account_ref).state == "disabled"


def test_the_seeded_connections_work(demo_mode: None) -> None:
    seed()
    for route in AccountRoute.objects.all():
        with tenancy.scope(route.merchant_ref):
            account = MarketplaceAccount.objects.select_related("store").get(pk=route.account_ref)
        assert connections.marketplace(account).sites()
        assert connections.storefront(account.store).info().currency == "USD"


def test_outside_demo_mode_nothing_is_seeded(transactional_db: None, settings: Any) -> None:
    settings.DEMO = False

    with pytest.raises(CommandError, match="SALESTIO_MODE=demo"):
        seed()
    assert not User.objects.exists()


def test_a_sandbox_that_does_not_answer_is_one_sentence(transactional_db: None, settings: Any) -> None:
    settings.DEMO = True
    settings.DATA_DIR = RUN.directory
    settings.SANDBOX_URL = "http://127.0.0.1:9"

    with pytest.raises(CommandError, match="did not answer"):
        seed()
    assert demo.demo_users() == []
