"""The single-click app in BigCommerce: installing, opening, people of the store, taking it away; through the sandbox."""

from __future__ import annotations

import html
import re
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests
from django.conf import settings as django_settings
from django.test import Client
from django.utils.timezone import now

from accounts import checking, connect, connections, credentials
from accounts.frame import FrameClaims, mint
from accounts.models import Credential, Membership, Merchant, Store, StorePerson, StoreRoute
from connectors.contract.types import Grant
from salestio import tenancy
from salestio.outbox.models import OutboxRow
from tests.factories import Cast, make_merchant

pytestmark = pytest.mark.django_db(transaction=True)

NEW, OTHER = "fldnote3x9", "lmnloom7k2"
OWNER = "owner@fieldnotes-press.example"
"""Who installs the app in the new store, as the sandbox's BigCommerce tells."""


@pytest.fixture
def panel(transactional_db: None, redis_url: str, sandbox: Any) -> Iterator[str]:
    """The pretend BigCommerce's control panels; the address our app's frame lives in."""
    sandbox.control("POST", "/limits", {"profile": "off"})
    yield str(sandbox.url)
    uninstall_in_panel(NEW)


@pytest.fixture
def shop(db: None) -> Cast:
    """A merchant whose BigCommerce store is connected, with tokens, so that no call is needed."""
    cast = make_merchant("Lumen & Loom", storefront="bigcommerce")
    with tenancy.scope(cast.id):
        credentials.store_grant(cast.store, Grant(key=cast.store.key, access_token="a", refresh_token=""))
    return cast


def uninstall_in_panel(store_hash: str) -> None:
    """Take the app off a store of the sandbox, whose installations outlive a reset: others need it without."""
    address = connections.config("bigcommerce").admin_url(store_hash, "/apps")
    with requests.Session() as browser:
        page = browser.get(address, timeout=10).text
        if "Uninstall" not in page:
            return
        hidden = re.findall(r'<input type="hidden" name="(csrf)" value="([^"]*)"', page)
        browser.post(
            address,
            data={name: html.unescape(value) for name, value in hidden} | {"act": "uninstall"},
            headers={"Origin": django_settings.SANDBOX_URL, "Referer": address},
            allow_redirects=False,
            timeout=10,
        )


def consent(store_hash: str = NEW) -> str:
    """Agree in the app market and return the path and query BigCommerce opens our callback at."""
    address = f"{connections.app_market_page('bigcommerce')}/{store_hash}/install"
    with requests.Session() as browser:
        page = browser.get(address, timeout=10).text
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
        sent = browser.post(
            address,
            data={name: html.unescape(value) for name, value in hidden} | {"answer": "install"},
            headers={"Origin": django_settings.SANDBOX_URL, "Referer": address},
            allow_redirects=False,
            timeout=10,
        )
    return f"/bigcommerce/auth?{urlsplit(sent.headers['Location']).query}"


def install(client: Client, store_hash: str = NEW) -> Any:
    """Install the app as a browser would, in the control panel's frame; return our callback's answer."""
    return client.get(consent(store_hash), headers={"Sec-Fetch-Dest": "iframe"})


def signed(
    store_hash: str, *, user: int | None = 7, email: str = "ada@lumen.example", owner: int | None = 1, **changes: Any
) -> str:
    """Return a payload as BigCommerce signs it; `changes` spoil a claim (None leaves it out)."""
    at = int(time.time())
    secret = changes.pop("secret", django_settings.PLATFORM_APPS["bigcommerce"]["client_secret"])
    algorithm = changes.pop("algorithm", "HS256")
    claims = {
        "aud": django_settings.PLATFORM_APPS["bigcommerce"]["client_id"], "iss": "bc", "iat": at, "nbf": at - 5,
        "exp": at + 86400, "jti": uuid.uuid4().hex, "sub": f"stores/{store_hash}",
        "user": {"id": user, "email": email} if user else None,
        "owner": {"id": owner, "email": "owner@lumen.example"} if owner else None, "url": "/",
        "channel_id": None, **changes,
    }  # fmt: skip
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm=algorithm)


def open_app(payload: str, client: Client | None = None) -> Any:
    return (client or Client()).get("/bigcommerce/load", {"signed_payload_jwt": payload})


def store_of(store_hash: str) -> Store:
    route = StoreRoute.objects.get(platform="bigcommerce", key=store_hash)
    with tenancy.scope(route.merchant_ref):
        return Store.objects.get(pk=route.store_ref)


def people(cast: Cast) -> list[StorePerson]:
    with tenancy.scope(cast.id):
        return list(StorePerson.objects.order_by("pk"))


def token_of(answer: Any) -> str:
    found = re.search(r'<meta name="frame-token" content="([^"]+)"', answer.content.decode())
    assert found
    return html.unescape(found.group(1))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def said(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


# ── installing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_first_install_makes_merchant_store_and_owner_and_shows_the_app_in_the_frame(panel: str) -> None:
    answer = install(Client())

    store = store_of(NEW)
    assert (answer.status_code, store.state, store.currency) == (200, "active", "USD")
    owner = Membership.objects.get(merchant_ref=store.merchant_id)
    assert (owner.role, owner.user.has_usable_password()) == ("owner", False)
    assert 'class="embedded"' in answer.content.decode()
    assert f"frame-ancestors {panel}" in answer["Content-Security-Policy"]
    assert django_settings.PLATFORM_URLS["shopify"]["app_bridge"] not in answer["Content-Security-Policy"]
    with tenancy.scope(store.merchant_id):
        assert bytes(Credential.objects.get(store=store).access_sealed)


def test_a_code_installs_once(panel: str) -> None:
    back = consent()
    Client().get(back)

    again = Client().get(back)

    assert again.status_code == 400
    assert "install the app again from the app market" in said(again)
    assert StoreRoute.objects.count() == 1


@pytest.mark.parametrize(
    "query",
    [
        {"code": "made-up", "scope": "store_v2_orders", "context": f"stores/{NEW}"},
        {"code": "made-up", "scope": "store_v2_orders", "context": "stores/../lmnloom7k2"},
        {"code": "made-up", "scope": "store_v2_orders"},
        {"scope": "store_v2_orders", "context": f"stores/{NEW}"},
        {},
    ],
)
def test_a_callback_that_nobody_agreed_to_makes_nothing(panel: str, query: dict[str, str]) -> None:
    answer = Client().get("/bigcommerce/auth", query)

    assert answer.status_code == 400
    assert not StoreRoute.objects.exists()
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_a_code_of_one_store_opens_no_other(panel: str) -> None:
    answer = Client().get(consent(NEW).replace(NEW, OTHER))

    assert answer.status_code == 400
    assert not StoreRoute.objects.exists()


def test_installing_again_updates_the_same_store(panel: str) -> None:
    install(Client())
    first = store_of(NEW)
    with tenancy.scope(first.merchant_id):
        connect.uninstall_store(first.merchant_id, first.pk)

    install(Client())

    again = store_of(NEW)
    assert (again.pk, again.merchant_id, again.state, again.uninstalled_at) == (
        first.pk, first.merchant_id, "active", None,
    )  # fmt: skip
    with tenancy.unscoped("test: count"):
        assert Merchant.objects.count() == 1


def test_a_signed_in_owner_who_pressed_add_store_gets_the_store_into_their_merchant(panel: str) -> None:
    cast = make_merchant()
    browser = Client()
    browser.force_login(cast.user)
    to_the_market = browser.post("/stores/add/", {"platform": "bigcommerce"})
    assert to_the_market["Location"] == connections.app_market_page("bigcommerce")

    install(browser)

    assert store_of(NEW).merchant_id == cast.id


def test_a_link_that_lures_an_owner_brings_no_strangers_store_into_their_merchant(panel: str) -> None:
    cast = make_merchant()
    browser = Client()
    browser.force_login(cast.user)
    browser.post("/stores/add/", {"platform": "bigcommerce"})

    browser.get(consent(NEW), headers={"Sec-Fetch-Dest": "document"})

    assert store_of(NEW).merchant_id != cast.id


def pressed_add_store(cast: Cast) -> Client:
    """Return the browser of an owner who pressed *Add store* a moment ago."""
    browser = Client()
    browser.force_login(cast.user)
    browser.post("/stores/add/", {"platform": "bigcommerce"})
    return browser


def links_of(answer: Any) -> dict[str, str]:
    """Return the two ways on that an install of an owner's own address is asked about: path and query."""
    found = [html.unescape(one) for one in re.findall(r'href="([^"]*offer=[^"]+)"', answer.content.decode())]
    return {"join" if "/stores/join/" in one else "alone": one.removeprefix(django_settings.WEB_URL) for one in found}


def test_without_our_cookie_in_the_frame_the_owner_joins_the_store_in_their_own_window(panel: str) -> None:
    cast = make_merchant()
    browser = pressed_add_store(cast)
    cast.user.email = OWNER
    cast.user.save()

    asked = Client().get(consent(), headers={"Sec-Fetch-Dest": "iframe"})

    assert not StoreRoute.objects.filter(key=NEW).exists()
    assert f"frame-ancestors {panel}" in asked["Content-Security-Policy"]
    link = links_of(asked)["join"]
    page = browser.get(link, headers={"Sec-Fetch-Site": "same-origin"})
    assert (page.status_code, "Fieldnote" in said(page), NEW in said(page)) == (200, True, True)
    assert not StoreRoute.objects.filter(key=NEW).exists()
    assert browser.post(link)["Location"] == "/accounts/"
    assert store_of(NEW).merchant_id == cast.id


def test_an_address_somebody_gave_themselves_at_bigcommerce_joins_no_store_to_its_owners_merchant(panel: str) -> None:
    cast = make_merchant()
    pressed_add_store(cast)
    cast.user.email = OWNER  # the stranger's user at BigCommerce has the very address
    cast.user.save()
    stranger = Client()

    asked = stranger.get(consent(), headers={"Sec-Fetch-Dest": "iframe"})
    links = links_of(asked)
    stranger.get(links["join"])
    stranger.post(links["join"])
    assert cast.merchant.name not in asked.content.decode()
    assert "shopify" not in asked.content.decode().lower()
    assert not StoreRoute.objects.filter(key=NEW).exists()
    stranger.get(links["alone"], headers={"Sec-Fetch-Dest": "iframe"})

    assert store_of(NEW).merchant_id != cast.id


def test_an_offer_is_taken_only_by_who_pressed_add_store_and_comes_from_our_own_page(panel: str) -> None:
    cast = make_merchant()
    browser = pressed_add_store(cast)
    cast.user.email = OWNER
    cast.user.save()
    link = links_of(Client().get(consent(), headers={"Sec-Fetch-Dest": "iframe"}))["join"]
    other = make_merchant("Stranger & Sons")
    idle = Client()
    idle.force_login(other.user)

    lured = browser.get(link, headers={"Sec-Fetch-Site": "cross-site"})
    assert (lured.status_code, "Fieldnote" in said(lured)) == (400, False)
    assert idle.get(link, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 409
    assert idle.post(link).status_code == 409
    for wrong in ("", "x", link.partition("offer=")[2][:-8] + "AAAAAAAA"):
        assert browser.post(f"/stores/join/?offer={wrong}").status_code == 400
    assert not StoreRoute.objects.filter(key=NEW).exists()


def test_a_viewer_meanwhile_adds_no_store(panel: str) -> None:
    cast = make_merchant()
    browser = pressed_add_store(cast)
    cast.user.email = OWNER
    cast.user.save()
    link = links_of(Client().get(consent(), headers={"Sec-Fetch-Dest": "iframe"}))["join"]
    Membership.objects.filter(user=cast.user).update(role="viewer")

    assert browser.post(link).status_code == 409
    assert not StoreRoute.objects.filter(key=NEW).exists()


def test_a_stranger_whose_store_tells_an_owners_address_catches_no_store_of_that_owner(panel: str, shop: Cast) -> None:
    """Whoever has a store may write any address into it: it makes nobody of the staff the person of that address."""
    shop.user.email = OWNER  # the stranger wrote it into their store, and we made this user of it at the install
    shop.user.save()
    Membership.objects.filter(user=shop.user).update(platform_user="1")
    token = token_of(open_app(signed(shop.store.key, user=1, email="stranger@evil.example")))
    assert Client().post("/stores/add/", headers=bearer(token)).status_code == 200

    install(Client())  # the owner of that address installs the app in their own store

    assert store_of(NEW).merchant_id != shop.id
    assert Client().get("/merchants/", headers=bearer(token)).status_code == 302


def test_an_install_makes_nobody_of_the_staff_the_person_whom_the_stores_address_names(panel: str) -> None:
    install(Client())

    assert Membership.objects.get(merchant_ref=store_of(NEW).merchant_id).platform_user == ""


def test_adding_a_store_from_the_frame_joins_by_the_owners_own_window_too(panel: str, shop: Cast) -> None:
    token = token_of(open_app(signed(shop.store.key, user=1, email=OWNER)))
    page = Client().post("/stores/add/", headers=bearer(token)).content.decode()
    link = re.search(r'href="[^"]*(/connect/leave-frame/\?state=[^"]+)"', page)
    assert link
    browser = Client()
    browser.get(link.group(1), headers={"Sec-Fetch-Site": "same-origin"})
    asked = Client().get(consent(), headers={"Sec-Fetch-Dest": "iframe"})

    joined = browser.post(links_of(asked)["join"])

    assert joined.status_code == 302
    assert store_of(NEW).merchant_id == shop.id


def test_an_address_that_pressed_nothing_joins_nobody(panel: str) -> None:
    cast = make_merchant()
    cast.user.email = OWNER
    cast.user.save()

    Client().get(consent())

    assert store_of(NEW).merchant_id != cast.id


def test_a_store_of_another_merchant_cannot_be_added(panel: str) -> None:
    install(Client())
    owner = store_of(NEW).merchant_id
    browser = Client()
    browser.force_login(make_merchant().user)
    browser.post("/stores/add/", {"platform": "bigcommerce"})

    answer = install(browser)

    assert answer.status_code == 409
    assert "belongs to another merchant" in said(answer)
    assert store_of(NEW).merchant_id == owner


def test_bigcommerce_being_down_makes_nothing_and_says_so(panel: str, sandbox: Any) -> None:
    back = consent()
    sandbox.control("POST", "/faults", {"platform": "bigcommerce", "kind": "status", "params": {"code": 503}})
    try:
        answer = Client().get(back)
    finally:
        sandbox.control("DELETE", "/faults")

    assert answer.status_code == 503
    assert "Install the app once more in a minute" in said(answer)
    assert not StoreRoute.objects.exists()


# ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_opening_the_app_shows_the_dashboard_without_any_cookie(shop: Cast) -> None:
    answer = open_app(signed(shop.store.key))

    page = answer.content.decode()
    assert (answer.status_code, 'class="embedded"' in page) == (200, True)
    assert "shopify" not in page.lower()
    assert "sessionid" not in answer.cookies
    assert answer["X-Frame-Token"]
    assert f"frame-ancestors {django_settings.SANDBOX_URL}" in answer["Content-Security-Policy"]


def test_in_production_only_this_stores_control_panel_may_frame_the_page(settings: Any) -> None:
    real = settings.PLATFORM_URLS["bigcommerce"] | {"admin": "https://store-{hash}.mybigcommerce.com/manage"}
    settings.PLATFORM_URLS = settings.PLATFORM_URLS | {"bigcommerce": real}
    connections.forget_all()

    assert connections.frame_ancestors("bigcommerce", "abc123") == (
        "https://store-abc123.mybigcommerce.com",
        "https://login.bigcommerce.com",
    )


@pytest.mark.parametrize(
    "spoil",
    [
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"aud": "another-app"},
        {"aud": None},
        {"iss": "evil"},
        {"iss": None},
        {"sub": "stores/../x"},
        {"sub": "abc123"},
        {"sub": None},
        {"nbf": int(time.time()) + 864_000},
        {"secret": "another secret, long enough to sign with"},
        {"algorithm": "none", "secret": ""},
    ],
)
def test_a_payload_that_is_not_good_opens_nothing(shop: Cast, spoil: dict[str, Any]) -> None:
    answer = open_app(signed(shop.store.key, **spoil))

    assert answer.status_code == 401
    assert shop.account.name not in answer.content.decode()
    assert people(shop) == []


@pytest.mark.parametrize("payload", ["", "x", "a.b.c", "x" * 9000, "ü.ü.ü"])
def test_what_is_no_payload_opens_nothing(shop: Cast, payload: str) -> None:
    assert open_app(payload).status_code == 401
    assert Client().get("/bigcommerce/load").status_code == 401


def test_a_payload_opens_the_app_again_within_ten_minutes_and_not_later(shop: Cast, time_machine: Any) -> None:
    time_machine.move_to(now())
    payload = signed(shop.store.key)
    open_app(payload)

    time_machine.shift(500)
    assert open_app(payload).status_code == 200
    time_machine.shift(200)
    late = open_app(payload)

    assert late.status_code == 401
    assert "Open the app again from your control panel" in said(late)
    assert f"frame-ancestors {django_settings.SANDBOX_URL}" in late["Content-Security-Policy"]


def test_each_person_of_the_store_is_known_by_their_own_name(shop: Cast) -> None:
    open_app(signed(shop.store.key, user=1, email="owner@lumen.example"))
    open_app(signed(shop.store.key, user=7, email="ada@lumen.example"))
    open_app(signed(shop.store.key, user=7, email="ada.b@lumen.example"))

    assert [(p.remote_id, p.email, p.owner) for p in people(shop)] == [
        ("1", "owner@lumen.example", True),
        ("7", "ada.b@lumen.example", False),
    ]


def test_the_owner_of_the_store_may_what_an_owner_may_and_others_may_not(shop: Cast) -> None:
    owner = token_of(open_app(signed(shop.store.key, user=1)))
    clerk = token_of(open_app(signed(shop.store.key, user=7)))

    assert Client().get("/settings/tokens/", headers=bearer(owner)).status_code == 200
    assert Client().get("/settings/tokens/", headers=bearer(clerk)).status_code == 403
    assert Client().get("/orders/", headers=bearer(clerk)).status_code == 200


def test_a_link_to_a_page_of_the_app_opens_that_page(shop: Cast) -> None:
    assert "<h1>Accounts</h1>" in open_app(signed(shop.store.key, url="/accounts/")).content.decode()
    orders = open_app(signed(shop.store.key, url="/orders/?view=needs")).content.decode()
    assert "<h1>Orders</h1>" in orders
    assert 'aria-current="page">Needs you' in orders
    assert 'data-here="/orders/?view=needs"' in orders


def test_a_frame_the_browser_loads_again_asks_with_the_token_its_tab_holds(panel: str) -> None:
    answer = Client().get("/orders/", headers={"Sec-Fetch-Dest": "iframe"})

    assert (answer.status_code, "frame_again" in answer.content.decode()) == (200, True)
    assert f"frame-ancestors {panel}" in answer["Content-Security-Policy"]
    assert Client().get("/orders/", headers={"Sec-Fetch-Dest": "document"}).status_code == 302


@pytest.mark.parametrize(
    "url", ["/no/such/page", "https://evil.example/orders/", "//evil.example", "/admin/", "/api/v1/orders", "/shopify/app",
            "/bigcommerce/load", "/orders/999999/", "/sign-out/", "/orders/export/", ""],
)  # fmt: skip
def test_a_link_to_a_page_that_is_none_never_breaks_the_app(shop: Cast, url: str) -> None:
    answer = open_app(signed(shop.store.key, url=url))

    assert answer.status_code in (200, 404)
    assert "/admin/" not in answer.get("Location", "")


def test_a_store_we_do_not_know_gets_nothing(shop: Cast) -> None:
    answer = open_app(signed("nobodys0ne"))

    assert answer.status_code == 409
    assert "Install it from the app market" in said(answer)
    assert shop.account.name not in answer.content.decode()


def test_each_store_sees_only_its_own_merchant(shop: Cast) -> None:
    other = make_merchant("Stranger & Sons", storefront="bigcommerce")
    token = token_of(open_app(signed(shop.store.key)))

    page = Client().get("/accounts/", headers=bearer(token)).content.decode()

    assert shop.account.key in page
    assert other.account.key not in page


@pytest.mark.parametrize("way", ["load", "install"])
def test_a_link_opened_in_a_window_of_its_own_leads_into_the_control_panel_and_not_into_a_strangers_app(
    panel: str, shop: Cast, way: str
) -> None:
    link = consent() if way == "install" else f"/bigcommerce/load?signed_payload_jwt={signed(shop.store.key)}"

    answer = Client().get(link, headers={"Sec-Fetch-Dest": "document"})

    store_hash = NEW if way == "install" else shop.store.key
    assert answer.status_code == 302
    assert answer["Location"] == connections.app_page("bigcommerce", store_hash)
    assert b"frm_" not in answer.content


# ── pages in the frame ───────────────────────────────────────────────────────────────────────────────────────────────


def test_each_answer_renews_the_token_and_an_old_one_ends(shop: Cast, time_machine: Any) -> None:
    time_machine.move_to(now())
    token = token_of(open_app(signed(shop.store.key)))
    time_machine.shift(3000)
    fresh = Client().get("/orders/", headers=bearer(token))["X-Frame-Token"]
    time_machine.shift(3000)

    assert Client().get("/orders/", headers=bearer(fresh)).status_code == 200
    assert Client().get("/orders/", headers=bearer(token)).status_code == 401


def test_renewals_end_after_half_a_day(shop: Cast, time_machine: Any) -> None:
    start = now()
    time_machine.move_to(start, tick=False)
    token = token_of(open_app(signed(shop.store.key)))
    for minutes in range(50, 12 * 60, 50):
        time_machine.move_to(start + timedelta(minutes=minutes), tick=False)
        token = Client().get("/orders/", headers=bearer(token))["X-Frame-Token"]

    time_machine.move_to(start + timedelta(hours=12, seconds=1), tick=False)

    assert Client().get("/orders/", headers=bearer(token)).status_code == 401
    assert token_of(open_app(signed(shop.store.key)))


def test_a_form_in_the_frame_needs_the_token_and_no_csrf_cookie(shop: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    token = token_of(open_app(signed(shop.store.key, user=1)))

    assert client.post("/settings/", {"field": "tag_account"}, headers=bearer(token)).status_code == 302
    assert client.post("/settings/", {"field": "tag_account"}).status_code == 403
    with tenancy.scope(shop.id):
        assert Merchant.objects.get(pk=shop.id).settings == {"tag_account": False}


def test_a_token_that_is_made_up_or_changed_opens_nothing(shop: Cast) -> None:
    token = mint(FrameClaims("bigcommerce", shop.store.key, "7"))

    for wrong in (token[:-1], token + "x", token.replace("frm_", ""), "frm_", "frm_a:b:c"):
        assert Client().get("/orders/", headers=bearer(wrong)).status_code == 401
    assert Client().get("/orders/", headers=bearer(token)).status_code == 200


def test_a_cookie_of_another_merchant_does_not_mix_in(shop: Cast, signed_in: Any) -> None:
    other = make_merchant("Stranger & Sons")
    token = token_of(open_app(signed(shop.store.key), signed_in(other)))

    page = signed_in(other).get("/accounts/", headers=bearer(token)).content.decode()

    assert shop.account.key in page
    assert other.account.key not in page


# ── taking away ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_removed_person_is_refused_at_once_and_let_in_by_a_fresh_load(shop: Cast) -> None:
    token = token_of(open_app(signed(shop.store.key, user=7)))
    mate = token_of(open_app(signed(shop.store.key, user=8, email="bo@lumen.example")))

    for _ in range(2):
        gone = Client().get("/bigcommerce/remove-user", {"signed_payload_jwt": signed(shop.store.key, user=7)})
        assert gone.status_code == 200
    assert Client().get("/orders/", headers=bearer(token)).status_code == 401
    assert Client().get("/orders/", headers=bearer(mate)).status_code == 200

    again = token_of(open_app(signed(shop.store.key, user=7)))
    assert Client().get("/orders/", headers=bearer(again)).status_code == 200


def test_a_payload_from_before_the_removal_lets_nobody_in_again(shop: Cast, time_machine: Any) -> None:
    time_machine.move_to(now())
    used, saved_up = signed(shop.store.key, user=7), signed(shop.store.key, user=7)
    open_app(used)
    time_machine.shift(5)
    Client().get("/bigcommerce/remove-user", {"signed_payload_jwt": signed(shop.store.key, user=7)})
    time_machine.shift(5)

    for payload in (used, saved_up):
        answer = open_app(payload)
        assert answer.status_code == 401
        assert shop.account.name not in answer.content.decode()
    assert people(shop)[0].removed_at is not None
    assert open_app(signed(shop.store.key, user=7)).status_code == 200


def test_a_page_left_open_ends_when_the_app_is_taken_off_the_store(shop: Cast) -> None:
    token = token_of(open_app(signed(shop.store.key, user=1)))
    with tenancy.scope(shop.id):
        connect.uninstall_store(shop.id, shop.store.pk)

    answer = Client().get("/orders/", headers=bearer(token))

    assert answer.status_code == 401
    assert "X-Frame-Token" not in answer


def test_a_store_that_was_handed_on_has_one_owner(shop: Cast) -> None:
    before = token_of(open_app(signed(shop.store.key, user=1, owner=1)))
    after = token_of(open_app(signed(shop.store.key, user=2, owner=2, email="new@lumen.example")))

    assert Client().get("/settings/tokens/", headers=bearer(after)).status_code == 200
    assert Client().get("/settings/tokens/", headers=bearer(before)).status_code == 403


def test_an_owner_of_before_does_not_become_it_again_by_a_payload_saved_up(shop: Cast, time_machine: Any) -> None:
    time_machine.move_to(now())
    saved_up = signed(shop.store.key, user=1, owner=1)
    time_machine.shift(60)
    owner = token_of(open_app(signed(shop.store.key, user=2, owner=2, email="new@lumen.example")))
    time_machine.shift(60)

    before = token_of(open_app(saved_up))

    assert Client().get("/settings/tokens/", headers=bearer(before)).status_code == 403
    assert Client().get("/settings/tokens/", headers=bearer(owner)).status_code == 200


def test_a_payload_that_names_nobody_makes_nobody_an_owner(shop: Cast) -> None:
    token = token_of(open_app(signed(shop.store.key, user=None, owner=None)))

    assert Client().get("/settings/tokens/", headers=bearer(token)).status_code == 403


def test_a_person_we_never_saw_can_be_removed(shop: Cast) -> None:
    Client().get("/bigcommerce/remove-user", {"signed_payload_jwt": signed(shop.store.key, user=99)})

    (person,) = people(shop)
    assert person.remote_id == "99" and person.removed_at is not None


def test_uninstalling_stops_the_store_and_drops_its_tokens_and_twice_does_no_harm(shop: Cast) -> None:
    token = token_of(open_app(signed(shop.store.key, user=7)))

    for _ in range(2):
        gone = Client().get("/bigcommerce/uninstall", {"signed_payload_jwt": signed(shop.store.key, user=1)})
        assert gone.status_code == 200

    store = store_of(shop.store.key)
    assert (store.state, store.state_reason, store.uninstalled_at is not None) == ("disabled", "uninstalled", True)
    with tenancy.scope(shop.id):
        assert bytes(Credential.objects.get(store=store).access_sealed) == b""
    opened = open_app(signed(shop.store.key, user=7))
    assert opened.status_code == 409
    assert "not installed in this store" in said(opened)
    assert Client().get("/orders/", headers=bearer(token)).status_code in (200, 401)


def test_a_payload_that_opened_the_app_takes_nothing_away(shop: Cast) -> None:
    """BigCommerce signs all three alike; who sees the address of a frame must not be able to end what it shows."""
    payload = signed(shop.store.key, user=1)
    open_app(payload)

    for path in ("/bigcommerce/uninstall", "/bigcommerce/remove-user"):
        assert Client().get(path, {"signed_payload_jwt": payload}).status_code == 401

    assert store_of(shop.store.key).state == "active"
    assert people(shop)[0].removed_at is None


def test_one_of_the_staff_cannot_take_the_app_off_with_a_payload_of_their_own(shop: Cast) -> None:
    """Theirs for opening the app looks like one for taking it off: the store itself is asked whether it is gone."""
    Client().get("/bigcommerce/uninstall", {"signed_payload_jwt": signed(shop.store.key, user=7)})

    assert store_of(shop.store.key).state == "active"
    with tenancy.scope(shop.id):
        assert OutboxRow.objects.filter(handler=checking.HANDLER, subject__pk=shop.store.pk).exists()


@pytest.mark.parametrize("path", ["/bigcommerce/uninstall", "/bigcommerce/remove-user"])
@pytest.mark.parametrize(
    "spoil", [{"secret": "x" * 40}, {"exp": 1}, {"aud": "other"}, {"algorithm": "none", "secret": ""}]
)
def test_nobody_but_bigcommerce_takes_the_app_away(shop: Cast, path: str, spoil: dict[str, Any]) -> None:
    answer = Client().get(path, {"signed_payload_jwt": signed(shop.store.key, **spoil)})

    assert answer.status_code == 401
    assert store_of(shop.store.key).state == "active"
    assert people(shop) == []


def test_an_uninstall_of_a_store_we_do_not_know_is_answered_calmly(db: None) -> None:
    for path in ("/bigcommerce/uninstall", "/bigcommerce/remove-user"):
        assert Client().get(path, {"signed_payload_jwt": signed("nobodys0ne")}).status_code == 200


def test_an_old_uninstall_does_not_stop_a_store_installed_again(shop: Cast) -> None:
    payload = signed(shop.store.key, user=1, iat=int(time.time()) - 7200)
    with tenancy.scope(shop.id):
        Store.objects.update(authorized_at=now())

    Client().get("/bigcommerce/uninstall", {"signed_payload_jwt": payload})

    assert store_of(shop.store.key).state == "active"
