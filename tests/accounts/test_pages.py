"""The account pages: who may see and do what, and that another merchant's things are simply not there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from accounts import authentication, merchants
from accounts.models import ApiToken, AuditEntry, Invitation, MarketplaceAccount, Membership, Role, User
from salestio import tenancy
from tests.factories import Cast

pytestmark = pytest.mark.django_db

SignIn = Callable[[Cast], Client]

# Each address of accounts/urls.py with an object of the merchant in it, for the walk as a stranger.
WITH_OBJECT = {
    "edit": ("account", ("get", "post")),
    "disconnect": ("account", ("get", "post")),
    "check-account": ("account", ("post",)),
    "check-store": ("store", ("post",)),
    "account-settings": ("account", ("get", "post")),
    "store-settings": ("store", ("get", "post")),
    "member": ("member", ("post",)),
    "withdraw": ("invitation", ("post",)),
    "revoke": ("token", ("post",)),
}
WITHOUT_OBJECT = {
    "list", "add", "add-store", "settings", "members", "tokens", "merchants", "amazon-login",
}  # fmt: skip
OPEN = {
    "sign-in", "sign-out", "forgot", "set-password", "invitation", "no-merchant", "leave-frame", "join-store", "callback",
    "shopify-install", "shopify-callback", "shopify-app", "bigcommerce-auth", "bigcommerce-alone", "bigcommerce-load", "bigcommerce-uninstall", "bigcommerce-remove-user",
}  # fmt: skip


def addresses() -> dict[str, str]:
    patterns = next(p for p in get_resolver().url_patterns if getattr(p, "app_name", "") == "accounts").url_patterns
    return {p.name: "/" + re.sub(r"<[^>]*pk>", "{pk}", str(p.pattern)) for p in patterns}


@pytest.fixture
def things(merchant: Cast) -> dict[str, int]:
    """One object of each kind that belongs to the merchant."""
    merchants.invite(
        merchant_id=merchant.id, merchant_name="N", email="canary@example.com", role="viewer", by=None, actor="x"
    )
    token, _ = authentication.issue(merchant_id=merchant.id, name="Canary token")
    return {
        "account": merchant.account.pk,
        "store": merchant.store.pk,
        "member": Membership.objects.get(user=merchant.user).pk,
        "invitation": Invitation.objects.get().pk,
        "token": token.pk,
    }


def person(cast: Cast, role: str) -> Client:
    user = User.objects.create_user(f"{role}@example.com", "x")
    Membership.objects.create(user=user, merchant_ref=cast.id, role=role)
    client = Client()
    client.force_login(user)
    return client


def test_every_address_stands_in_the_walk() -> None:
    assert set(addresses()) == set(WITH_OBJECT) | WITHOUT_OBJECT | OPEN


def test_a_stranger_finds_nothing_of_the_merchant(
    merchant: Cast, stranger: Cast, things: dict[str, int], signed_in: SignIn
) -> None:
    client = signed_in(stranger)
    canaries = [
        merchant.account.name,
        merchant.account.key,
        merchant.store.key,
        merchant.user.email,
        "canary@",
        "Canary",
    ]

    for name, (kind, methods) in WITH_OBJECT.items():
        for method in methods:
            body = {"remove": "1", "sure": "on", "confirmed": "on"}
            answer = getattr(client, method)(addresses()[name].format(pk=things[kind]), body)
            assert answer.status_code == 404, (name, method)
    for name in WITHOUT_OBJECT:
        text = client.get(addresses()[name]).content.decode()
        assert not [canary for canary in canaries if canary in text], name

    with tenancy.scope(merchant.id):
        assert MarketplaceAccount.objects.get(pk=merchant.account.pk).is_active
    assert ApiToken.objects.get(pk=things["token"]).revoked_at is None
    assert Membership.objects.filter(pk=things["member"]).exists()


def test_a_visitor_is_asked_to_sign_in_everywhere(merchant: Cast, things: dict[str, int], client: Client) -> None:
    for name, (kind, methods) in WITH_OBJECT.items():
        answer = getattr(client, methods[-1])(addresses()[name].format(pk=things[kind]))
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/sign-in/"), name


def test_the_merchant_sees_the_own_pages(merchant: Cast, things: dict[str, int], signed_in: SignIn) -> None:
    client = signed_in(merchant)

    for name, (kind, methods) in WITH_OBJECT.items():
        if "get" in methods:
            assert client.get(addresses()[name].format(pk=things[kind])).status_code == 200, name
    for name in ("list", "add", "settings", "members", "tokens"):
        answer = client.get(addresses()[name])
        assert answer.status_code == 200, name
        assert answer.content.decode().count("<h1") == 1, name


def test_a_page_costs_few_queries(
    merchant: Cast, signed_in: SignIn, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    client = signed_in(merchant)
    client.get("/accounts/")

    with django_assert_max_num_queries(20):
        client.get("/accounts/")


ALLOWED = {
    # (address name, method): the least role
    ("list", "get"): Role.VIEWER,
    ("settings", "get"): Role.VIEWER,
    ("account-settings", "get"): Role.VIEWER,
    ("members", "get"): Role.VIEWER,
    ("settings", "post"): Role.MANAGER,
    ("store-settings", "post"): Role.MANAGER,
    ("account-settings", "post"): Role.MANAGER,
    ("add", "get"): Role.MANAGER,
    ("edit", "post"): Role.MANAGER,
    ("check-account", "post"): Role.MANAGER,
    ("check-store", "post"): Role.MANAGER,
    ("disconnect", "get"): Role.OWNER,
    ("disconnect", "post"): Role.OWNER,
    ("add-store", "post"): Role.OWNER,
    ("members", "post"): Role.OWNER,
    ("member", "post"): Role.OWNER,
    ("withdraw", "post"): Role.OWNER,
    ("tokens", "get"): Role.OWNER,
    ("tokens", "post"): Role.OWNER,
    ("revoke", "post"): Role.OWNER,
}
RANKS = [Role.VIEWER, Role.MANAGER, Role.OWNER]


@pytest.mark.parametrize("role", RANKS)
def test_a_role_may_what_the_table_says_and_nothing_more(merchant: Cast, things: dict[str, int], role: Role) -> None:
    client = person(merchant, role)

    for (name, method), least in ALLOWED.items():
        kind = WITH_OBJECT[name][0] if name in WITH_OBJECT else ""
        url = addresses()[name].format(pk=things.get(kind, 0))
        status = getattr(client, method)(url, {"role": "nonsense"}).status_code
        refused = RANKS.index(role) < RANKS.index(least)
        assert (status == 403) == refused, (name, method, status)


# ── members ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_last_owner_can_neither_step_down_nor_leave(
    merchant: Cast, things: dict[str, int], signed_in: SignIn
) -> None:
    client = signed_in(merchant)
    url = addresses()["member"].format(pk=things["member"])

    assert client.post(url, {"role": "viewer"}).status_code == 409
    for body in ({"remove": "1"}, {"remove": "1", "confirmed": "on"}):
        assert client.post(url, body).status_code == 409
    refused = client.post(url, {"remove": "1"}, headers={"HX-Request": "true", "HX-Target": "dialog"})
    assert (refused.status_code, refused["HX-Retarget"]) == (409, "body"), "the page says why, not the dialog"
    assert Membership.objects.get(pk=things["member"]).role == "owner"


def test_an_owner_makes_another_owner_and_may_then_leave(
    merchant: Cast, things: dict[str, int], signed_in: SignIn
) -> None:
    person(merchant, Role.VIEWER)
    other = Membership.objects.get(user__email="viewer@example.com")
    client = signed_in(merchant)

    client.post(addresses()["member"].format(pk=other.pk), {"role": "owner"})
    client.post(addresses()["member"].format(pk=things["member"]), {"remove": "1", "confirmed": "on"})

    assert [m.user.email for m in Membership.objects.filter(merchant_ref=merchant.id)] == ["viewer@example.com"]
    assert client.get("/accounts/")["Location"] == "/no-merchant/"
    with tenancy.scope(merchant.id):
        assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"member.role", "member.removed"}


def test_removing_a_member_names_who_goes_and_waits_for_the_tick(
    merchant: Cast, things: dict[str, int], signed_in: SignIn
) -> None:
    person(merchant, Role.MANAGER)
    other = Membership.objects.get(user__email="manager@example.com")
    client = signed_in(merchant)
    url = addresses()["member"].format(pk=other.pk)

    page = client.post(url, {"remove": "1"})
    dialog = client.post(url, {"remove": "1"}, headers={"HX-Request": "true", "HX-Target": "dialog"})
    unsure = client.post(url, {"remove": "1", "asked": "1"})
    still = Membership.objects.filter(pk=other.pk).exists()
    done = client.post(url, {"remove": "1", "asked": "1", "confirmed": "on"}, follow=True)

    assert page.status_code == 200 and page.content.decode().count("<h1") == 1
    assert "manager@example.com" in page.content.decode() and merchant.merchant.name in page.content.decode()
    assert "1 API token of" in page.content.decode(), "it goes on working, which is said"
    assert "<dialog" in dialog.content.decode() and "<html" not in dialog.content.decode()
    assert unsure.status_code == 422 and "Tick the box first" in unsure.content.decode()
    assert still and not Membership.objects.filter(pk=other.pk).exists()
    assert "manager@example.com is no longer a member" in done.content.decode()


def test_a_member_of_two_merchants_sees_one_at_a_time(merchant: Cast, stranger: Cast, signed_in: SignIn) -> None:
    Membership.objects.create(user=merchant.user, merchant_ref=stranger.id, role="viewer")
    client = signed_in(merchant)
    assert merchant.account.key in client.get("/accounts/").content.decode()

    client.post("/merchants/", {"merchant": stranger.id})

    text = client.get("/accounts/").content.decode()
    assert stranger.account.key in text
    assert merchant.account.key not in text
    assert client.get("/settings/tokens/").status_code == 403


def test_nobody_can_choose_a_merchant_they_do_not_belong_to(merchant: Cast, stranger: Cast, signed_in: SignIn) -> None:
    client = signed_in(merchant)

    assert client.post("/merchants/", {"merchant": stranger.id}).status_code == 404
    assert client.post("/merchants/", {"merchant": "x"}).status_code == 404
    assert merchant.account.name in client.get("/accounts/").content.decode()


# ── API tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_shown_once_works_and_ends_when_revoked(merchant: Cast, signed_in: SignIn) -> None:
    client = signed_in(merchant)
    made = client.post("/settings/tokens/", {"name": "Warehouse", "role": "manager"})
    text = re.search(r'id="new-token">([^<]+)<', made.content.decode())
    assert text
    token = text.group(1)
    row = ApiToken.objects.get(name="Warehouse")

    assert token not in client.get("/settings/tokens/").content.decode()
    assert token not in str(ApiToken.objects.values())
    bearer = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/v1/accounts", headers=bearer).status_code == 200
    client.post(f"/settings/tokens/{row.pk}/revoke/")
    assert Client().get("/api/v1/accounts", headers=bearer).status_code == 401


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer x y", "Bearer nonsense", "Basic abc", "Bearer ünsinn"])
def test_a_bad_api_token_gets_401(db: None, value: str) -> None:
    answer = Client().get("/api/v1/accounts", headers={"Authorization": value.encode().decode("latin-1")})

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_token_of_a_viewer_may_only_read(merchant: Cast) -> None:
    _, text = authentication.issue(merchant_id=merchant.id, name="Reader", role=Role.VIEWER)
    bearer = {"Authorization": f"Bearer {text}"}

    assert Client().get("/api/v1/accounts", headers=bearer).status_code == 200
    answer = Client().post(f"/api/v1/accounts/{merchant.account.pk}/pull", headers=bearer)
    assert answer.status_code == 403


def test_last_use_is_written_at_most_once_a_minute(
    merchant: Cast, django_assert_num_queries: Callable[[int], Any]
) -> None:
    token, _ = authentication.issue(merchant_id=merchant.id, name="T")
    authentication._note_use(token)
    token.refresh_from_db()

    with django_assert_num_queries(0):
        authentication._note_use(token)


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def fields_of(text: str) -> dict[str, Any]:
    """Return what a browser would submit if nobody touched the settings form."""
    data: dict[str, Any] = {"field": re.findall(r'name="field" value="([^"]+)"', text)}
    for tag in re.findall(r"<input[^>]*>", text):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if not name or name.group(1) in ("field", "csrfmiddlewaretoken", "q"):
            continue
        if 'type="checkbox"' in tag or 'type="radio"' in tag:
            if " checked" in tag:
                data[name.group(1)] = value.group(1) if value else "on"
        elif value:
            data[name.group(1)] = value.group(1)
    for select in re.findall(r'<select[^>]*name="([^"]+)".*?</select>', text, re.DOTALL):
        data[select] = ""
    return data


def test_saving_an_untouched_page_changes_nothing(merchant: Cast, signed_in: SignIn) -> None:
    client = signed_in(merchant)
    for url in ("/settings/", f"/settings/stores/{merchant.store.pk}/", f"/settings/accounts/{merchant.account.pk}/"):
        assert client.post(url, fields_of(client.get(url).content.decode())).status_code == 302

    with tenancy.scope(merchant.id):
        assert not AuditEntry.objects.exists()
        assert MarketplaceAccount.objects.get(pk=merchant.account.pk).settings == {}


def test_a_changed_switch_is_saved_and_shown_as_differing(merchant: Cast, signed_in: SignIn) -> None:
    client = signed_in(merchant)
    url = f"/settings/accounts/{merchant.account.pk}/"
    data = fields_of(client.get(url).content.decode())
    del data["import_orders"]

    client.post(url, data)

    with tenancy.scope(merchant.id):
        assert MarketplaceAccount.objects.get(pk=merchant.account.pk).settings == {"import_orders": False}
    assert "Differs from General" in client.get(url).content.decode()
    client.post(url, {"reset": "import_orders"})
    assert "Differs from General" not in client.get(url).content.decode()


def test_a_wrong_value_comes_back_beside_its_field_and_nothing_is_saved(merchant: Cast, signed_in: SignIn) -> None:
    client = signed_in(merchant)
    data = fields_of(client.get("/settings/").content.decode()) | {
        "customer_email_domain": "nope",
        "order_id_prefix": "QZ9-",
    }

    answer = client.post("/settings/", data)

    text = answer.content.decode()
    assert answer.status_code == 400
    assert "Use a domain such as orders.example.com." in text
    assert 'value="nope"' in text
    assert 'value="QZ9-"' in text
    assert "QZ9-" not in client.get("/settings/").content.decode()


def test_a_mode_without_its_address_leaves_nothing_half_saved(merchant: Cast, signed_in: SignIn) -> None:
    client = signed_in(merchant)
    data = fields_of(client.get("/settings/").content.decode()) | {
        "customer_email_mode": "selected",
        "order_id_prefix": "QZ9-",
    }

    assert client.post("/settings/", data).status_code == 400
    assert "QZ9-" not in client.get("/settings/").content.decode()


def test_the_email_modes_show_what_would_become_of_an_address(merchant: Cast, signed_in: SignIn) -> None:
    text = signed_in(merchant).get("/settings/").content.decode()

    assert "k7x9q2@example.com" in text
    assert "112-4416893-7720231@example.com" in text
