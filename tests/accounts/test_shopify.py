"""Installing into Shopify, coming back, and pages inside its admin."""

from __future__ import annotations

import html
import re
import time
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from django.conf import settings as django_settings
from django.core import mail
from django.test import Client

from accounts import connect, credentials
from accounts.models import ConnectState, Credential, Membership, Merchant, Store, StoreRoute, User
from connectors.contract.types import Grant
from salestio import tenancy
from salestio.outbox.models import OutboxRow
from tests.accounts.conftest import session_token, shopify_query
from tests.factories import Cast, make_merchant

pytestmark = pytest.mark.django_db(transaction=True)

SHOP, OTHER_SHOP = "fieldnotes-goods.myshopify.com", "harbour-and-kiln.myshopify.com"


@pytest.fixture
def shopify(transactional_db: None, redis_url: str, sandbox: Any) -> str:
    sandbox.control("POST", "/limits", {"profile": "off"})
    return str(sandbox.url)


def install(client: Client, shop: str = SHOP) -> Any:
    """Install the app as a browser would: our install address, the consent page, our callback. Return the last answer."""
    return client.get(consent(client, shop))


def consent(client: Client, shop: str = SHOP) -> str:
    """Return the path and query the consent page sends the browser back to."""
    first = client.get("/shopify/install", shopify_query(shop=shop, host="aG9zdA"))
    assert first.status_code == 302, first.content.decode()
    page = requests.get(first["Location"], timeout=10)
    form = re.search(r"<form[^>]*method=\"post\".*?</form>", page.text, re.DOTALL)
    assert form, page.text
    data = {n: html.unescape(v) for n, v in re.findall(r'name="([^"]+)"[^>]*value="([^"]*)"', form.group(0))}
    action = re.search(r'action="([^"]*)"', form.group(0).partition(">")[0])
    url = urljoin(page.url, html.unescape(action.group(1)) if action else page.url)
    back = requests.post(
        url,
        data=data | {"answer": "install"},
        headers={"Origin": django_settings.SANDBOX_URL, "Referer": url},
        cookies=page.cookies,
        allow_redirects=False,
        timeout=10,
    )
    parts = urlsplit(back.headers["Location"])
    assert parts.path == "/shopify/callback", back.text
    return f"{parts.path}?{parts.query}"


def store_of(shop: str) -> Store:
    route = StoreRoute.objects.get(key=shop)
    with tenancy.scope(route.merchant_ref):
        return Store.objects.get(pk=route.store_ref)


def said(answer: Any) -> str:
    return html.unescape(re.sub(r"<[^>]+>|\s+", " ", answer.content.decode()))


# ── installing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_first_install_makes_merchant_store_and_owner_with_a_mailed_link(shopify: str) -> None:
    answer = install(Client())

    assert (answer.status_code, answer["Location"]) == (302, f"{shopify}/shopify/{SHOP}/admin/apps/salestio")
    store = store_of(SHOP)
    assert (store.state, store.key, store.currency) == ("active", SHOP, "USD")
    owner = Membership.objects.get(merchant_ref=store.merchant_id)
    assert owner.role == "owner"
    assert not owner.user.has_usable_password()
    assert "/set-password/" in mail.outbox[-1].body
    with tenancy.scope(store.merchant_id):
        assert OutboxRow.objects.filter(handler="accounts.connect.set_up_store").exists()
        assert bytes(Credential.objects.get(store=store).access_sealed)


def test_installing_again_revives_the_same_store_with_its_data(shopify: str) -> None:
    install(Client())
    store = store_of(SHOP)
    with tenancy.scope(store.merchant_id):
        connect.uninstall_store(store.merchant_id, store.pk)
    mail.outbox.clear()

    install(Client())

    again = store_of(SHOP)
    assert (again.pk, again.merchant_id, again.state, again.uninstalled_at) == (
        store.pk,
        store.merchant_id,
        "active",
        None,
    )
    assert mail.outbox == []
    with tenancy.scope(store.merchant_id):
        assert Merchant.objects.get(pk=store.merchant_id).uninstalled_at is None


def test_an_installed_shop_is_opened_without_another_consent(shopify: str) -> None:
    install(Client())

    answer = Client().get("/shopify/install", shopify_query(shop=SHOP))

    assert answer["Location"].endswith(f"/{SHOP}/admin/apps/salestio")


def test_adding_a_store_joins_the_merchant_who_asked(shopify: str) -> None:
    cast = make_merchant()
    browser = Client()
    browser.force_login(cast.user)
    to_the_market = browser.post("/stores/add/")
    assert to_the_market["Location"] == f"{shopify}/shopify/app-store"

    answer = install(browser)

    assert answer["Location"] == "/accounts/"
    assert store_of(SHOP).merchant_id == cast.id


def test_adding_a_store_from_the_frame_joins_too(shopify: str) -> None:
    cast = make_merchant()
    Membership.objects.filter(user=cast.user).update(platform_user="42")
    page = Client().post("/stores/add/", headers=bearer(session_token(cast.store.key)))
    link = re.search(r'href="[^"]*(/connect/leave-frame/\?state=[^"]+)"', page.content.decode())
    assert link
    browser = Client()
    to_the_market = browser.get(link.group(1), headers={"Sec-Fetch-Site": "same-origin"})
    assert to_the_market["Location"] == f"{shopify}/shopify/app-store"

    install(browser)

    assert store_of(SHOP).merchant_id == cast.id


def test_a_store_of_another_merchant_cannot_be_added(shopify: str) -> None:
    install(Client(), OTHER_SHOP)
    owner = store_of(OTHER_SHOP).merchant_id
    cast = make_merchant()
    browser = Client()
    browser.force_login(cast.user)
    browser.post("/stores/add/")

    answer = install(browser, OTHER_SHOP)

    assert answer.status_code == 409
    assert "belongs to another merchant" in said(answer)
    assert store_of(OTHER_SHOP).merchant_id == owner


def test_an_owner_who_has_an_account_already_keeps_the_password(shopify: str) -> None:
    install(Client())
    email = Membership.objects.get(merchant_ref=store_of(SHOP).merchant_id).user.email
    StoreRoute.objects.all().delete()
    user = User.objects.get(email=email)
    user.set_password("their own password")
    user.save()

    install(Client())

    user.refresh_from_db()
    assert user.check_password("their own password")
    assert "/set-password/" not in mail.outbox[-1].body


@pytest.mark.parametrize(
    "spoil",
    [
        {"shop": "evil.example"}, {"shop": "evil.example/x.myshopify.com"}, {"shop": SHOP + "\n"}, {"shop": ""},
        {"timestamp": "1600000000"}, {"timestamp": "soon"}, {"timestamp": str(int(time.time()) + 9999)},
    ],
)  # fmt: skip
def test_an_install_link_that_is_signed_but_wrong_is_refused(shopify: str, spoil: dict[str, str]) -> None:
    answer = Client().get("/shopify/install", shopify_query(**{"shop": SHOP, **spoil}))

    assert answer.status_code == 400
    assert not ConnectState.objects.exists()


@pytest.mark.parametrize("change", [{"hmac": "0" * 64}, {"hmac": ""}, {"shop": OTHER_SHOP}, {"extra": "1"}])
def test_an_install_link_with_a_wrong_signature_is_refused(shopify: str, change: dict[str, str]) -> None:
    query = {**shopify_query(shop=SHOP), **change}

    assert Client().get("/shopify/install", query).status_code == 400


def test_a_callback_works_once_and_only_in_its_own_browser(shopify: str) -> None:
    browser = Client()
    back = consent(browser)

    assert Client().get(back).status_code == 409
    assert not StoreRoute.objects.exists()
    assert browser.get(back).status_code == 302
    assert browser.get(back).status_code == 409


def test_a_callback_for_another_shop_than_the_one_that_began_is_refused(shopify: str) -> None:
    browser = Client()
    back = consent(browser)
    state = re.search(r"state=([^&]+)", back)
    assert state

    answer = browser.get("/shopify/callback", shopify_query(shop=OTHER_SHOP, code="x", state=state.group(1), host="h"))

    assert answer.status_code == 409
    assert not StoreRoute.objects.exists()


@pytest.mark.parametrize("change", [{"code": "wrong"}, {"code": ""}, {"hmac": "0" * 64}, {"timestamp": "1"}])
def test_a_spoiled_callback_makes_nothing(shopify: str, change: dict[str, str]) -> None:
    browser = Client()
    back = consent(browser)
    query = {name: value[0] for name, value in parse_qs(back.partition("?")[2]).items()}
    query.pop("hmac")
    signed = shopify_query(**{**query, **{k: v for k, v in change.items() if k != "hmac"}})

    answer = browser.get("/shopify/callback", {**signed, **({"hmac": change["hmac"]} if "hmac" in change else {})})

    assert answer.status_code == 400
    assert not StoreRoute.objects.exists()


def test_shopify_being_down_makes_nothing_and_says_so(shopify: str, sandbox: Any) -> None:
    browser = Client()
    back = consent(browser)
    sandbox.control("POST", "/faults", {"platform": "shopify", "kind": "status", "params": {"code": 503}})
    try:
        answer = browser.get(back)
    finally:
        sandbox.control("DELETE", "/faults")

    assert answer.status_code == 503
    assert not StoreRoute.objects.exists()


# ── inside the shop's admin ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shop(merchant: Cast) -> str:
    """The merchant's own shop, with tokens, so that no call is needed."""
    with tenancy.scope(merchant.id):
        credentials.store_grant(merchant.store, Grant(key=merchant.store.key, access_token="a", refresh_token="r"))
    return merchant.store.key


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_the_first_load_shows_the_dashboard_without_any_cookie(merchant: Cast, shop: str) -> None:
    query = shopify_query(shop=shop, embedded="1", host="aA", id_token=session_token(shop))

    answer = Client().get("/shopify/app", query)

    assert answer.status_code == 200
    assert 'class="embedded"' in answer.content.decode()
    policy = answer["Content-Security-Policy"]
    assert f"frame-ancestors {django_settings.SANDBOX_URL}" in policy
    assert "X-Frame-Options" not in answer
    assert django_settings.PLATFORM_URLS["shopify"]["app_bridge"] in policy


def test_in_production_only_this_shop_and_shopifys_admin_may_frame_the_page(settings: Any) -> None:
    from accounts import connections

    real = settings.PLATFORM_URLS["shopify"] | {"admin": "https://{shop}/admin"}
    settings.PLATFORM_URLS = settings.PLATFORM_URLS | {"shopify": real}
    connections.forget_all()
    try:
        assert connections.frame_ancestors("shopify", "a.myshopify.com") == (
            "https://a.myshopify.com",
            "https://admin.shopify.com",
        )
    finally:
        connections.forget_all()


def test_a_page_that_is_not_embedded_may_be_framed_by_nobody(merchant: Cast, signed_in: Any) -> None:
    assert "frame-ancestors 'none'" in signed_in(merchant).get("/accounts/")["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in Client().get("/sign-in/")["Content-Security-Policy"]


def test_each_request_in_the_frame_is_signed_by_its_token(merchant: Cast, stranger: Cast, shop: str) -> None:
    text = Client().get("/accounts/", headers=bearer(session_token(shop))).content.decode()

    assert merchant.account.key in text
    assert stranger.account.key not in text


def test_a_cookie_of_another_merchant_does_not_mix_in(
    merchant: Cast, stranger: Cast, shop: str, signed_in: Any
) -> None:
    text = signed_in(stranger).get("/accounts/", headers=bearer(session_token(shop))).content.decode()

    assert merchant.account.key in text
    assert stranger.account.key not in text


def test_a_form_in_the_frame_needs_the_token_and_no_csrf_cookie(merchant: Cast, shop: str) -> None:
    client = Client(enforce_csrf_checks=True)
    data = {"field": "tag_account"}

    assert client.post("/settings/", data, headers=bearer(session_token(shop))).status_code == 302
    assert client.post("/settings/", data).status_code == 403
    with tenancy.scope(merchant.id):
        assert Merchant.objects.get(pk=merchant.id).settings == {"tag_account": False}


@pytest.mark.parametrize(
    "spoil",
    [
        {"secret": "wrong" * 8}, {"exp": int(time.time()) - 60}, {"exp": None}, {"aud": "another-app"},
        {"dest": "https://other.myshopify.com"}, {"dest": "https://evil.example"}, {"nbf": int(time.time()) + 864_000},
    ],
)  # fmt: skip
def test_a_session_token_that_is_not_good_opens_nothing(
    merchant: Cast, shop: str, spoil: dict[str, Any], signed_in: Any
) -> None:
    client = signed_in(merchant)  # not even for somebody with a good cookie
    answer = client.get("/accounts/", headers=bearer(session_token(shop, **spoil)))

    assert answer.status_code == 401
    assert answer["X-Shopify-Retry-Invalid-Session-Request"] == "1"
    assert client.post("/settings/", headers=bearer("nonsense")).status_code == 401


def test_a_load_whose_token_ran_out_fetches_a_fresh_one_and_comes_back(merchant: Cast, shop: str) -> None:
    old = session_token(shop, exp=int(time.time()) - 60)

    answer = Client().get("/orders/", {"shop": shop, "embedded": "1", "id_token": old, "state": "held"})

    text = answer.content.decode()
    assert answer.status_code == 401
    assert f'data-target="/orders/?shop={shop}&amp;embedded=1&amp;state=held"' in text
    assert old not in text
    assert merchant.account.key not in text


def test_a_bounce_page_names_no_host_that_is_not_a_shop(db: None) -> None:
    answer = Client().get("/orders/", {"shop": "evil.example", "embedded": "1"})

    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_store_staff_may_act_and_only_a_linked_owner_decides(merchant: Cast, shop: str) -> None:
    client = Client()
    assert client.get("/settings/tokens/", headers=bearer(session_token(shop))).status_code == 403
    assert client.get("/accounts/add/", headers=bearer(session_token(shop))).status_code == 200

    Membership.objects.filter(user=merchant.user).update(platform_user="42")

    assert client.get("/settings/tokens/", headers=bearer(session_token(shop))).status_code == 200
    assert client.get("/settings/tokens/", headers=bearer(session_token(shop, sub="43"))).status_code == 403


def test_a_shop_that_was_away_is_revived_by_exchanging_the_token_in_the_frame(shopify: str) -> None:
    install(Client())
    store = store_of(SHOP)
    with tenancy.scope(store.merchant_id):
        credentials.expire(store, "refused")
    query = shopify_query(shop=SHOP, embedded="1", host="aA", id_token=session_token(SHOP))

    answer = Client().get("/shopify/app", query)

    assert answer.status_code == 200
    assert store_of(SHOP).state == "active"


def test_a_first_load_of_an_unknown_shop_makes_its_merchant_with_this_person_as_owner(shopify: str) -> None:
    install(Client())  # Shopify installs by itself before it loads the page; our rows of it are taken away again
    StoreRoute.objects.all().delete()
    Membership.objects.all().delete()
    query = shopify_query(shop=SHOP, embedded="1", host="aA", id_token=session_token(SHOP, sub="77"))

    answer = Client().get("/shopify/app", query)

    assert answer.status_code == 200
    assert Membership.objects.get(merchant_ref=store_of(SHOP).merchant_id).platform_user == "77"


def test_connecting_from_the_frame_leaves_it_with_a_link_that_works_once(merchant: Cast, shop: str) -> None:
    data = {"platform": "amazon", "name": "In frame", "region": "na", "sites": ["US"], "policies": "on"}
    data["store"] = str(merchant.store.pk)
    page = Client().post("/accounts/add/", data, headers=bearer(session_token(shop))).content.decode()
    link = re.search(r'href="[^"]*(/connect/leave-frame/\?state=[^"]+)"', page)
    assert link

    own_page = {"Sec-Fetch-Site": "same-origin"}
    for elsewhere in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {},
        {"Referer": "https://evil.example/"},
    ):
        assert Client().get(link.group(1), headers=elsewhere).status_code == 400
    browser = Client()
    assert "/apps/authorize/consent" in browser.get(link.group(1), headers=own_page)["Location"]
    assert Client().get(link.group(1), headers=own_page).status_code == 400


def test_the_apps_address_outside_the_frame_leads_into_the_admin(merchant: Cast, shop: str) -> None:
    assert Client().get("/shopify/app", {"shop": shop})["Location"].endswith(f"/{shop}/admin/apps/salestio")
    assert Client().get("/shopify/app", {"shop": "evil.example"})["Location"] == "/"
