"""The middleware's scopes, support opening one merchant, and the workbench that shows no token."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils.timezone import now

from accounts import authentication, checks, credentials, support
from accounts.models import AuditEntry, User
from connectors.contract.types import Grant
from salestio import tenancy
from tests.factories import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(db: None) -> Client:
    user = User.objects.create_superuser("support@example.com", "x")
    client = Client()
    client.force_login(user)
    return client


# ── the workbench ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_staff_may_open_the_workbench(merchant: Cast, signed_in: Any) -> None:
    assert signed_in(merchant).get("/admin/", follow=True).status_code == 403
    assert Client().get("/admin/")["Location"].startswith("/admin/login/")
    assert Client().get("/admin/login/?next=/admin/")["Location"].startswith("/sign-in/")


def test_the_workbench_finds_a_merchant_by_whatever_a_mail_names(merchant: Cast, stranger: Cast, staff: Client) -> None:
    for term in (
        merchant.merchant.name,
        merchant.user.email,
        merchant.store.key,
        merchant.account.key,
        str(merchant.id),
    ):
        text = staff.get("/admin/accounts/merchant/", {"q": term}).content.decode()
        assert f"/admin/accounts/merchant/{merchant.id}/change/" in text, term
        if term != str(merchant.id):
            assert f"/admin/accounts/merchant/{stranger.id}/change/" not in text, term


def test_no_page_of_the_workbench_shows_a_token(merchant: Cast, staff: Client) -> None:
    with tenancy.scope(merchant.id):
        row = credentials.store_grant(
            merchant.account, Grant(key="k", access_token="canary-access", refresh_token="canary-refresh")
        )
        sealed = bytes(row.refresh_sealed).decode()
    token, text = authentication.issue(merchant_id=merchant.id, name="T")
    pages = [
        "/admin/", "/admin/accounts/merchant/", f"/admin/accounts/merchant/{merchant.id}/change/",
        "/admin/accounts/store/", f"/admin/accounts/store/{merchant.store.pk}/change/",
        "/admin/accounts/marketplaceaccount/", f"/admin/accounts/marketplaceaccount/{merchant.account.pk}/change/",
        "/admin/accounts/apitoken/", f"/admin/accounts/apitoken/{token.pk}/change/",
        "/admin/accounts/user/", f"/admin/accounts/user/{merchant.user.pk}/change/",
        "/admin/accounts/auditentry/", "/admin/accounts/invitation/",
    ]  # fmt: skip

    for page in pages:
        answer = staff.get(page)
        assert answer.status_code == 200, page
        body = answer.content.decode()
        for secret in ("canary", sealed, text, token.token_hash):
            assert secret not in body, page
    assert staff.get("/admin/accounts/credential/").status_code == 404


def test_the_workbench_changes_no_merchants_rows(merchant: Cast, staff: Client) -> None:
    url = f"/admin/accounts/store/{merchant.store.pk}"

    assert staff.post(f"{url}/change/", {"name": "Mine"}).status_code == 403
    assert staff.post(f"{url}/delete/", {"post": "yes"}).status_code == 403
    assert staff.get("/admin/accounts/store/add/").status_code == 403


# ── opening one merchant ─────────────────────────────────────────────────────────────────────────────────────────────


def open_with_reason(staff: Client, cast: Cast, reason: str = "Ticket 4711") -> HttpResponse:
    return staff.post(f"/admin/accounts/merchant/{cast.id}/open/", {"reason": reason})  # type: ignore[return-value]


def test_support_opens_one_merchant_with_a_reason_that_the_merchant_can_read(merchant: Cast, staff: Client) -> None:
    assert staff.get("/accounts/")["Location"] == "/admin/"
    assert open_with_reason(staff, merchant, "  ").status_code == 400

    open_with_reason(staff, merchant)

    text = staff.get("/accounts/").content.decode()
    assert merchant.account.key in text
    assert "Support view" in text
    with tenancy.scope(merchant.id):
        entry = AuditEntry.objects.get(action="support.opened")
        assert (entry.actor, entry.reason) == ("support support@example.com", "Ticket 4711")


def test_support_may_look_and_not_act(merchant: Cast, staff: Client) -> None:
    open_with_reason(staff, merchant)

    assert staff.post("/settings/", {"field": "tag_account"}).status_code == 403
    assert staff.get("/settings/tokens/").status_code == 403


def test_an_opened_merchant_closes_after_half_an_hour_or_by_hand(merchant: Cast, staff: Client) -> None:
    open_with_reason(staff, merchant)
    session = staff.session
    session[support.KEY] = {**session[support.KEY], "until": (now() - timedelta(seconds=1)).isoformat()}
    session.save()
    assert staff.get("/accounts/")["Location"] == "/admin/"

    open_with_reason(staff, merchant)
    staff.get("/admin/accounts/merchant/leave/")

    assert staff.get("/accounts/")["Location"] == "/admin/"


def test_somebody_who_is_no_longer_staff_sees_nothing(merchant: Cast, staff: Client) -> None:
    open_with_reason(staff, merchant)
    User.objects.filter(email="support@example.com").update(is_staff=False, is_superuser=False)

    assert staff.get("/accounts/")["Location"] == "/no-merchant/"


def test_a_member_cannot_open_another_merchant_by_their_session(merchant: Cast, stranger: Cast, signed_in: Any) -> None:
    client = signed_in(merchant)
    session = client.session
    session[support.KEY] = {"merchant": stranger.id, "reason": "x", "until": (now() + timedelta(hours=1)).isoformat()}
    session.save()

    assert stranger.account.key not in client.get("/accounts/").content.decode()


# ── starting up ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_production_does_not_start_with_demo_users(settings: Any) -> None:
    settings.MODE = "production"
    assert checks.no_demo_users(databases=["default"]) == []
    User.objects.create_user("owner@northpine.example", "x")

    (error,) = checks.no_demo_users(databases=["default"])

    assert error.id == "accounts.E001"
    assert "owner@northpine.example" in error.msg


def test_production_names_the_platform_credentials_it_lacks(settings: Any) -> None:
    settings.MODE = "production"
    settings.PLATFORM_APPS = settings.PLATFORM_APPS | {
        "shopify": settings.PLATFORM_APPS["shopify"] | {"client_secret": ""}
    }

    (error,) = checks.platform_credentials()

    assert re.fullmatch(r"Not set: SALESTIO_SHOPIFY_CLIENT_SECRET\.", error.msg)
