"""Connecting Amazon through the real consent page of the sandbox, and everything that may go wrong on the way back."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests
from django.conf import settings as django_settings
from django.test import Client
from django.utils.timezone import now

from accounts import connections
from accounts.models import AccountRoute, ConnectState, Credential, MarketplaceAccount, Membership, User
from notifications import alerts
from salestio import tenancy
from salestio.outbox.models import OutboxRow
from tests.factories import Cast, make_merchant

pytestmark = pytest.mark.django_db(transaction=True)

ADD = {"platform": "amazon", "name": "New US", "region": "na", "sites": ["US", "CA"], "policies": "on"}
NEW_SELLER, OTHER_SELLER = "A5FIELDNOTESNA", "A4HARBOURKILN"


@pytest.fixture
def merchant(transactional_db: None, redis_url: str, sandbox: Any) -> Cast:
    sandbox.control("POST", "/limits", {"profile": "off"})
    return make_merchant()


@pytest.fixture
def browser(merchant: Cast) -> Client:
    client = Client()
    client.force_login(merchant.user)
    return client


def agree(start: Any, seller: str, *, answer: str = "approve") -> str:
    """Follow the redirect to the sandbox's consent page, answer it, and return the callback's path and query."""
    assert start.status_code == 302, start.content.decode()[-3000:]
    page = requests.get(start["Location"], timeout=10)
    form = re.search(r"<form[^>]*action=\"([^\"]*)\".*?</form>", page.text, re.DOTALL)
    assert form
    csrf = re.search(r'name="csrf" value="([^"]+)"', form.group(0))
    assert csrf
    url = urljoin(page.url, html.unescape(form.group(1)))
    back = requests.post(
        url,
        data={"csrf": csrf.group(1), "seller": seller, "answer": answer},
        headers={"Origin": django_settings.SANDBOX_URL, "Referer": url},
        cookies=page.cookies,
        allow_redirects=False,
        timeout=10,
    )
    parts = urlsplit(back.headers["Location"])
    assert parts.path == "/connect/amazon/callback"
    return f"{parts.path}?{parts.query}"


def add(browser: Client, merchant: Cast, **changes: Any) -> Any:
    return browser.post("/accounts/add/", {**ADD, "store": merchant.store.pk, **changes})


def accounts(merchant: Cast) -> list[MarketplaceAccount]:
    with tenancy.scope(merchant.id):
        return list(MarketplaceAccount.objects.order_by("pk"))


def said(answer: Any) -> str:
    return html.unescape(re.sub(r"<[^>]+>|\s+", " ", answer.content.decode()))


def test_adding_an_account_takes_the_consent_page_and_ends_active(browser: Client, merchant: Cast) -> None:
    answer = browser.get(agree(add(browser, merchant), NEW_SELLER))

    assert (answer.status_code, answer["Location"]) == (302, "/accounts/")
    new = accounts(merchant)[-1]
    assert (new.key, new.name, new.state, new.region, new.sites) == (NEW_SELLER, "New US", "active", "na", ["US", "CA"])
    assert abs(new.orders_from - now()) < timedelta(minutes=1)
    assert AccountRoute.objects.get(account_ref=new.pk).merchant_ref == merchant.id
    with tenancy.scope(merchant.id):
        assert OutboxRow.objects.filter(handler="accounts.connect.set_up_account").exists()
    assert connections.marketplace(new).sites()


def test_a_site_the_seller_does_not_sell_on_is_left_out_and_none_left_is_refused(
    browser: Client, merchant: Cast
) -> None:
    browser.get(agree(add(browser, merchant, sites=["US", "BR"]), NEW_SELLER))
    assert accounts(merchant)[-1].sites == ["US"]

    other = make_merchant()
    client = Client()
    client.force_login(other.user)
    answer = client.get(agree(add(client, other, sites=["BR"]), OTHER_SELLER))

    assert answer.status_code == 409
    assert "does not sell on BR" in said(answer)
    assert len(accounts(other)) == 1


def test_a_callback_works_once(browser: Client, merchant: Cast) -> None:
    back = agree(add(browser, merchant), NEW_SELLER)
    browser.get(back)

    answer = browser.get(back)

    assert answer.status_code == 409
    assert "used already" in said(answer)
    assert len(accounts(merchant)) == 2


def test_a_callback_in_another_browser_connects_nothing(browser: Client, merchant: Cast) -> None:
    back = agree(add(browser, merchant), NEW_SELLER)
    thief = Client()
    thief.force_login(make_merchant().user)

    assert "another browser" in said(thief.get(back))
    assert Client().get(back).status_code == 409
    assert len(accounts(merchant)) == 1


def test_a_callback_after_fifteen_minutes_says_to_start_again(browser: Client, merchant: Cast) -> None:
    back = agree(add(browser, merchant), NEW_SELLER)
    ConnectState.objects.update(expires_at=now() - timedelta(seconds=1))

    assert "longer than 15 minutes" in said(browser.get(back))


def test_a_callback_for_somebody_who_lost_the_right_meanwhile_is_refused(browser: Client, merchant: Cast) -> None:
    back = agree(add(browser, merchant), NEW_SELLER)
    Membership.objects.filter(user=merchant.user).update(role="viewer")

    assert browser.get(back).status_code == 409
    assert len(accounts(merchant)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"state": ""}, {"state": "made-up"}, {"spapi_oauth_code": ""}, {"spapi_oauth_code": "wrong"},
        {"selling_partner_id": ""}, {"error": "access_denied"}, {"state": "\x00"}, {"state": "x" * 9000},
    ],
)  # fmt: skip
def test_a_spoiled_callback_gets_a_sentence_and_saves_nothing(
    browser: Client, merchant: Cast, change: dict[str, str]
) -> None:
    path, _, query = agree(add(browser, merchant), NEW_SELLER).partition("?")

    answer = browser.get(path, {**dict(parse_qsl(query)), **change})

    assert 400 <= answer.status_code < 500
    assert "Not connected" in said(answer)
    assert len(accounts(merchant)) == 1


def test_declining_at_amazon_leads_back_with_a_sentence(browser: Client, merchant: Cast) -> None:
    answer = browser.get(agree(add(browser, merchant), NEW_SELLER, answer="deny"))

    assert 400 <= answer.status_code < 500
    assert len(accounts(merchant)) == 1


def test_an_unknown_marketplace_has_no_callback(browser: Client) -> None:
    assert browser.get("/connect/myspace/callback?state=x").status_code == 404


def test_amazon_being_down_saves_nothing_and_says_so(browser: Client, merchant: Cast, sandbox: Any) -> None:
    back = agree(add(browser, merchant), NEW_SELLER)
    sandbox.control("POST", "/faults", {"platform": "amazon", "kind": "status", "params": {"code": 503}})
    try:
        answer = browser.get(back)
    finally:
        sandbox.control("DELETE", "/faults")

    assert answer.status_code == 503
    assert len(accounts(merchant)) == 1


# ── whose seller it is ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_seller_of_another_merchant_is_refused_with_that_sentence(browser: Client, merchant: Cast) -> None:
    browser.get(agree(add(browser, merchant), NEW_SELLER))
    other = make_merchant()
    client = Client()
    client.force_login(other.user)

    answer = client.get(agree(add(client, other), NEW_SELLER))

    assert answer.status_code == 409
    assert "connected by another merchant" in said(answer)
    assert len(accounts(other)) == 1


def test_confirming_with_another_seller_is_refused_and_ends_nobodys_connection(browser: Client, merchant: Cast) -> None:
    browser.get(agree(add(browser, merchant), NEW_SELLER))
    browser.get(agree(add(browser, merchant, name="Second"), OTHER_SELLER))
    first, second = accounts(merchant)[1:]
    again = {"name": first.name, "sites": ["US"], "confirm": "1"}

    answer = browser.get(agree(browser.post(f"/accounts/{first.pk}/", again), OTHER_SELLER))

    assert answer.status_code == 409
    assert f"as another seller ({OTHER_SELLER})" in said(answer)
    assert [account.state for account in accounts(merchant)[1:]] == ["active", "active"]
    # Agreeing again replaced the second seller's permission at Amazon: its account must go on working.
    connections.forget_all()
    assert connections.marketplace(second).sites()


def test_the_limit_of_sellers_is_named(browser: Client, merchant: Cast, settings: Any) -> None:
    settings.PLATFORM_APPS = settings.PLATFORM_APPS | {"amazon": settings.PLATFORM_APPS["amazon"] | {"seller_limit": 1}}

    answer = browser.get(agree(add(browser, merchant), NEW_SELLER))

    assert answer.status_code == 409
    assert "allows this app 1 seller until" in said(answer)


def test_disconnecting_drops_the_tokens_and_connecting_again_goes_on_with_the_same_account(
    browser: Client, merchant: Cast
) -> None:
    browser.get(agree(add(browser, merchant), NEW_SELLER))
    account = accounts(merchant)[-1]
    assert browser.post(f"/accounts/{account.pk}/disconnect/").status_code == 400
    browser.post(f"/accounts/{account.pk}/disconnect/", {"sure": "on"})
    with tenancy.scope(merchant.id):
        assert MarketplaceAccount.objects.get(pk=account.pk).state == "disabled"
        assert bytes(Credential.objects.get(account=account).refresh_sealed) == b""

    browser.get(agree(browser.post(f"/accounts/{account.pk}/", {"name": "Renamed", "sites": ["US"]}), NEW_SELLER))

    again = accounts(merchant)[-1]
    assert (again.pk, again.state, again.name, again.sites) == (account.pk, "active", "Renamed", ["US"])
    assert again.connected_at == account.connected_at


def test_a_withdrawn_permission_expires_the_account_and_confirming_revives_it(
    browser: Client, merchant: Cast, sandbox: Any
) -> None:
    browser.get(agree(add(browser, merchant), NEW_SELLER))
    account = accounts(merchant)[-1]
    sandbox.control("POST", f"/accounts/amazon/{NEW_SELLER}/revoke", {})
    connections.forget_all()
    with tenancy.scope(merchant.id):
        Credential.objects.filter(account=account).update(access_expires_at=now())
    from accounts import credentials
    from connectors.contract.errors import AuthorizationExpired

    credentials.forget_all()
    with pytest.raises(AuthorizationExpired):
        connections.marketplace(account).sites()
    assert accounts(merchant)[-1].state == "expired"
    page = said(browser.get("/accounts/"))
    assert "Account 'New US' has expired." in page
    assert "Confirm connection" in page

    browser.get(agree(browser.post(f"/accounts/{account.pk}/", {"name": "New US", "sites": ["US"]}), NEW_SELLER))

    assert accounts(merchant)[-1].state == "active"
    with tenancy.scope(merchant.id):
        assert alerts.open_alerts() == []


# ── the form, and Amazon's own app store ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "x" * 121}, "at most 120"),
        ({"sites": []}, "Choose at least one site"),
        ({"sites": ["XX"]}, "Choose sites of this list"),
        ({"sites": ["DE"]}, "DE is not in this region"),
        ({"region": "mars"}, "Select a valid choice"),
        ({"platform": "myspace"}, "Select a valid choice"),
        ({"policies": ""}, "Tick the box"),
        ({"store": "999999"}, "Select a valid choice"),
    ],
)
def test_a_wrong_form_says_what_is_wrong_and_starts_nothing(
    browser: Client, merchant: Cast, change: dict[str, Any], words: str
) -> None:
    answer = add(browser, merchant, **change)

    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not ConnectState.objects.exists()


def test_a_name_that_is_taken_is_refused_before_the_consent(browser: Client, merchant: Cast) -> None:
    answer = add(browser, merchant, name=merchant.account.name)

    assert answer.status_code == 400
    assert "another account with this name" in answer.content.decode()


def test_a_store_of_another_merchant_cannot_be_chosen(browser: Client, merchant: Cast) -> None:
    assert add(browser, merchant, store=make_merchant().store.pk).status_code == 400


def test_amazons_login_address_leads_to_the_form_and_back_to_amazons_own_callback(
    browser: Client, merchant: Cast
) -> None:
    callback = f"{django_settings.SANDBOX_URL}/amazon/sellercentral/na/apps/authorize/confirm/app"
    query = {"amazon_callback_uri": callback, "amazon_state": "amz-1", "selling_partner_id": "A9UNKNOWN"}

    assert browser.get("/connect/amazon/login", query)["Location"] == "/accounts/add/"
    started = add(browser, merchant)["Location"]

    assert started.startswith(callback)
    assert "amazon_state=amz-1" in started


def test_who_came_from_amazon_and_chooses_another_marketplace_goes_there(browser: Client, merchant: Cast) -> None:
    callback = f"{django_settings.SANDBOX_URL}/amazon/sellercentral/na/apps/authorize/confirm/app"
    query = {"amazon_callback_uri": callback, "amazon_state": "amz-1", "selling_partner_id": "A9UNKNOWN"}
    browser.get("/connect/amazon/login", query)

    started = add(browser, merchant, platform="etsy", region="", sites=[])["Location"]

    assert started.startswith(f"{django_settings.SANDBOX_URL}/etsy/site/oauth/connect?")
    assert add(browser, merchant, name="A second")["Location"].startswith(f"{django_settings.SANDBOX_URL}/amazon/")


@pytest.mark.parametrize("callback", ["https://evil.example/x", "", "javascript:alert(1)"])
def test_a_login_link_that_did_not_come_from_amazon_is_refused(browser: Client, callback: str) -> None:
    answer = browser.get("/connect/amazon/login", {"amazon_callback_uri": callback, "amazon_state": "1"})

    assert answer.status_code == 400


def test_a_seller_who_comes_to_renew_lands_on_the_own_account(browser: Client, merchant: Cast) -> None:
    callback = f"{django_settings.SANDBOX_URL}/amazon/sellercentral/na/x"
    query = {"amazon_callback_uri": callback, "amazon_state": "1", "selling_partner_id": merchant.account.key}

    assert browser.get("/connect/amazon/login", query)["Location"] == f"/accounts/{merchant.account.pk}/"


def test_the_consent_address_is_not_told_to_other_sites(browser: Client, merchant: Cast) -> None:
    assert add(browser, merchant)["Referrer-Policy"] == "no-referrer"


def test_a_viewer_cannot_begin(merchant: Cast) -> None:
    viewer = User.objects.create_user("viewer@example.com", "x")
    Membership.objects.create(user=viewer, merchant_ref=merchant.id, role="viewer")
    client = Client()
    client.force_login(viewer)

    assert add(client, merchant).status_code == 403
