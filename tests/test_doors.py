"""Bad input at every door: forms, addresses, callbacks, webhooks, the API. A clear 4xx, never a 500, nothing half saved.

Each test looks at the merchant's rows before and after. What a person types wrong may be shown again with its sentence;
what a program sends wrong is told by field, as a problem.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import Client
from django.utils.http import urlencode
from django.utils.timezone import now

from accounts import authentication, connect
from accounts.models import AccountRoute, ConnectState, Membership, StoreRoute, User
from salestio import tenancy
from tests import canaries
from tests.accounts.conftest import session_token, shopify_query
from tests.canaries import Planted
from tests.factories import Cast, make_merchant

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

JUNK = [
    "", " ", "a\x00b", "x" * 20_000, "-1", "0", "9" * 30, "1e999", "NaN", "\u0663", "\u00b2", "null", "true", "[]", "{}", "'; DROP TABLE x; --",
    "{{ 7*7 }}", "<script>alert(1)</script>", "../../etc/passwd", "\u202e\u200b\ud83d\ude80".encode("utf-16", "surrogatepass").decode("utf-16"),
    "\r\nSet-Cookie: a=b", "%00", "2026-99-99", "javascript:alert(1)", "//evil.example/", "\\\\evil.example\\",
]  # fmt: skip
"""What nobody means: controls, NUL, too long, other digits, dates that are none, code of other languages."""


@pytest.fixture
def planted(db: None, redis_url: str) -> Planted:
    return canaries.plant(make_merchant())


@pytest.fixture
def browser(planted: Planted) -> Client:
    """The merchant's own owner: whom nothing but the input itself can stop."""
    client = Client(raise_request_exception=False)
    client.force_login(planted.cast.user)
    return client


def counts() -> dict[str, int]:
    """Return how many rows stand in the tables that have no merchant."""
    return {kind.__name__: kind.objects.count() for kind in (User, Membership, StoreRoute, AccountRoute, ConnectState)}


# ── forms ────────────────────────────────────────────────────────────────────────────────────────────────────────────

ADDRESS = {"name": "N", "company": "", "line1": "1 A St", "line2": "", "line3": "", "city": "C", "region": "", "postal_code": "1",
           "country": "US", "phone": ""}  # fmt: skip
FORMS: dict[str, dict[str, Any]] = {
    "/sign-in/": {"email": "a@b.example", "password": "wrong wrong wrong", "next": "/"},
    "/forgot-password/": {"email": "a@b.example"},
    "/invitations/{link}/": {"name": "N", "password": "long enough to be one"},
    "/set-password/{uid}/{reset}/": {"new_password1": "p", "new_password2": "p"},
    "/merchants/": {"merchant": "1"},
    "/accounts/add/": {
        "platform": "amazon",
        "name": "New",
        "region": "na",
        "sites": "US",
        "store": "{store}",
        "policies": "on",
    },
    "/accounts/{account}/": {"name": "Same", "sites": "US"},
    "/accounts/{account}/disconnect/": {"sure": "no"},
    "/settings/members/": {"email": "x@y.example", "role": "viewer"},
    "/settings/members/{member}/": {"role": "viewer", "confirmed": "", "asked": ""},
    "/settings/tokens/": {"name": "T", "role": "viewer"},
    "/orders/export/": {"order": "0", "query": "state=held", "all": ""},
    "/orders/check/": {"account": "0", "back": "/orders/"},
    "/orders/{order}/adopt/": {"store_order": "none"},
    "/orders/{order}/export/": {"create_anyway": "1", "confirmed": "", "query": ""},
    "/orders/{order}/lines/1/change/": {"variant": "0", "remember": "", "text": "", "query": ""},
    "/orders/{order}/address/": ADDRESS,
    "/orders/{order}/customization/{archive}/link/": {"do": "new"},
    "/orders/views/": {"name": "V", "query": "state=held"},
    "/settings/stores/{store}/routing/": {
        "name": "R",
        "location": "store",
        "fulfilled_by": "",
        "accounts": "",
        "countries": "DE",
        "skus": "A",
        "tags": "t",
        "needs_stock": "",
        "rule": "",
        "save": "1",
    },
    "/settings/sku-mapping/add/": {"seller_sku": "S", "sku": "K", "target": "store-{store}"},
    "/settings/sku-mapping/delete/": {"mapping": "0", "q": "", "back": "", "confirmed": "", "asked": ""},
    "/settings/sku-mapping/{mapping}/": {
        "seller_sku": "S",
        "sku": "K",
        "units": "1",
        "target": "store-0",
        "more_rows": "",
    },
    "/settings/sku-mapping/upload/": {"target": "store-{store}", "file": "not a file"},
    "/settings/sku-mapping/unmatched/accept/": {"account": "{account}", "seller_sku": "S", "sku": "none"},
}
"""Every form a person can send, and something that could stand in each field."""


def names_of(planted: Planted) -> dict[str, str]:
    """Return what stands for {names} in FORMS."""
    from accounts import merchants

    user = User.objects.get(pk=planted.ids["user"])
    _, _, rest = merchants.set_password_link(user).partition("/set-password/")
    uid, reset = rest.strip("/").split("/")
    ids = {name: str(value) for name, value in planted.ids.items()}
    return ids | {"link": planted.secrets["invitation link"], "uid": uid, "reset": reset}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_no_form_breaks_on_junk_and_what_is_refused_leaves_nothing(
    planted: Planted, browser: Client, form: str
) -> None:
    names = names_of(planted)
    body = {name: str(value).format(**names) for name, value in FORMS[form].items()}
    someone = (
        Client(raise_request_exception=False)
        if form.startswith(("/sign-in", "/forgot", "/invit", "/set-pass"))
        else browser
    )
    found = []

    before = canaries.rows_of(planted.cast.id), counts()
    for field in body:
        for junk in JUNK:
            answer = someone.post(form.format(**names), body | {field: junk})
            if answer.status_code >= 500:
                found.append(f"{field}={junk[:30]!r} → {answer.status_code}")
            if not 400 <= answer.status_code < 500:  # taken: the rows may be others from here on
                before = canaries.rows_of(planted.cast.id), counts()
            elif before[1] != counts() or canaries.changed(before[0], canaries.rows_of(planted.cast.id)):
                found.append(f"{field}={junk[:30]!r} → {answer.status_code}, and something was saved")

    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", ["/settings/", "/settings/stores/{store}/", "/settings/accounts/{account}/"])
def test_no_setting_takes_junk(planted: Planted, browser: Client, page: str) -> None:
    from accounts import preferences

    names = names_of(planted)
    found = []
    for preference in preferences.PREFERENCES:
        for junk in JUNK:
            before = canaries.rows_of(planted.cast.id)
            answer = browser.post(page.format(**names), {"field": preference, preference: junk})
            after = canaries.changed(before, canaries.rows_of(planted.cast.id))
            if answer.status_code >= 500 or (answer.status_code >= 400 and after):
                found.append(f"{preference}={junk[:30]!r} → {answer.status_code} {after[:1]}")
            if answer.status_code >= 400:
                assert b"is-invalid" in answer.content or b"invalid-feedback" in answer.content, (
                    f"{preference}: which field?"
                )

    assert not found, "\n".join(found)


@pytest.mark.parametrize("reset", ["nonsense", "a\x00b", "x" * 5000])
def test_resetting_a_setting_that_does_not_exist_is_refused(planted: Planted, browser: Client, reset: str) -> None:
    assert browser.post("/settings/", {"reset": reset}).status_code == 400


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded"), (b"name=%FF%FE%00&email=%FF", "application/x-www-form-urlencoded"),
        (b"{", "application/json"), (b"--x\r\nnonsense", "multipart/form-data; boundary=x"), (b"x", "multipart/form-data"),
        (b"a=b", "application/x-www-form-urlencoded; charset=klingon"), (b"<x/>", "text/xml"), (b"", ""),
        (b"&".join(b"a%d=1" % n for n in range(3000)), "application/x-www-form-urlencoded"),
        (b"name=" + b"x" * (3 * 1024 * 1024), "application/x-www-form-urlencoded"),
    ],
)  # fmt: skip
def test_a_body_of_another_kind_is_no_500_and_saves_nothing(
    planted: Planted, browser: Client, body: bytes, kind: str
) -> None:
    names = names_of(planted)
    found = []
    for form in FORMS:
        before = canaries.rows_of(planted.cast.id)
        answer = browser.generic("POST", form.format(**names), body, content_type=kind)
        if answer.status_code >= 500 or (
            answer.status_code >= 400 and canaries.changed(before, canaries.rows_of(planted.cast.id))
        ):
            found.append(f"{form} → {answer.status_code}")

    assert not found, "\n".join(found)


# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────

QUERIES: dict[str, tuple[str, ...]] = {
    "/": ("shop", "embedded", "id_token"),
    "/orders/": ("q", "state", "reason", "status", "account", "platform", "fulfilled", "placed", "from", "until", "low", "high", "order",
                 "buyer", "sku", "view", "at", "find"),
    "/orders/live/": ("ids", "top", "state", "q"),
    "/orders/fetch/": ("account",),
    "/orders/{order}/": ("view", "at", "q"),
    "/orders/{order}/live/": ("q",),
    "/orders/{order}/lines/1/change/": ("text", "only", "query"),
    "/settings/sku-mapping/": ("q", "after", "seller_sku", "target"),
    "/settings/sku-mapping/download/": ("target",),
    "/settings/sku-mapping/uploads/{upload}/": ("show", "after"),
    "/sign-in/": ("next",),
    "/connect/leave-frame/": ("state",),
    "/connect/amazon/login": ("amazon_callback_uri", "amazon_state", "selling_partner_id"),
    "/connect/amazon/callback": ("state", "spapi_oauth_code", "selling_partner_id"),
    "/shopify/install": ("shop", "hmac", "timestamp", "host"),
    "/shopify/callback": ("shop", "hmac", "timestamp", "code", "state"),
    "/shopify/app": ("shop", "hmac", "embedded", "id_token"),
    "/api/schema/": ("format", "lang"),
}  # fmt: skip
"""Every parameter that is read from an address."""


@pytest.mark.parametrize("page", sorted(QUERIES))
def test_no_address_breaks_on_junk(planted: Planted, browser: Client, page: str) -> None:
    path = page.format(**names_of(planted))
    before = canaries.rows_of(planted.cast.id)
    found = []

    for name in QUERIES[page]:
        for query in [urlencode({name: junk}) for junk in JUNK] + [
            f"{name}=%FF%FE",
            f"{name}[]=1",
            f"{name}=1&{name}=2",
            f"{name}=%00",
        ]:
            answer = browser.get(f"{path}?{query}")
            if answer.status_code >= 500:
                found.append(f"{query[:60]} → {answer.status_code}")
            if "evil.example" in answer.get("Location", "").split("?")[0]:
                found.append(f"{query[:60]} leads to {answer['Location']}")

    assert not found, "\n".join(found)
    assert canaries.changed(before, canaries.rows_of(planted.cast.id)) == []


@pytest.mark.parametrize("number", ["0", "9" * 18, "9" * 40, "-1", "1.5", "\u0663", "a", "%00", "1%00"])
def test_a_number_that_is_nobodys_is_404(planted: Planted, browser: Client, number: str) -> None:
    for path in (
        "/orders/{}/", "/orders/{}/live/", f"/orders/{planted.order}/lines/{{}}/change/", "/accounts/{}/", "/settings/stores/{}/",
        "/settings/accounts/{}/", "/orders/{}/confirm/anyway/", "/api/v1/orders/{}", "/orders/{}/customization/1/",
        f"/orders/{planted.order}/customization/{{}}/", f"/orders/{planted.order}/customization/{planted.ids['archive']}/picture/{{}}/",
    ):  # fmt: skip
        headers = {"Authorization": f"Bearer {planted.secrets['API token']}"} if path.startswith("/api") else {}
        assert browser.get(path.format(number), headers=headers).status_code == 404, path
    for path in (
        "/alerts/{}/done/",
        "/orders/views/{}/delete/",
        "/settings/members/{}/",
        "/settings/tokens/{}/revoke/",
    ):
        assert browser.post(path.format(number)).status_code == 404, path


@pytest.mark.parametrize("cookie", ["", "x", "a" * 5000, "\x01", "é", "../../x", "null"])
def test_a_session_cookie_that_is_none_is_nobody(db: None, cookie: str) -> None:
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = cookie
    client.cookies["csrftoken"] = cookie

    assert client.get("/accounts/").status_code == 302
    assert client.get("/sign-in/").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "a b", "[::1", "x" * 300, "127.0.0.1\r\n"])
def test_a_host_that_is_not_ours_is_400(db: None, host: str) -> None:
    assert Client(raise_request_exception=False).get("/sign-in/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("junk", [*JUNK, "WzEsMSwxXQ.x", "a.b.c", "." * 50, "x" * 3000])
def test_no_shared_link_breaks_on_junk(planted: Planted, junk: str) -> None:
    before = canaries.rows_of(planted.cast.id)
    nobody = Client(raise_request_exception=False)

    for path in ("/customization/{}/", "/customization/{}/picture/0/", "/customization/{}/download/"):
        answer = nobody.get(path.format(quote(junk, safe="")))
        assert 400 <= answer.status_code < 500, (path, answer.status_code)
        assert canaries.found_in(answer.content.decode(), planted.all_words) == []
    assert canaries.changed(before, canaries.rows_of(planted.cast.id)) == []


# ── callbacks ────────────────────────────────────────────────────────────────────────────────────────────────────────

SHOPS = [
    "evil.example", "evil.example/?x=.myshopify.com", "evil.example#.myshopify.com", "a.myshopify.com\n", "a.myshopify.com.evil.example",
    "a.myshopify.com@evil.example", "https://a.myshopify.com", "a.myshopify.com/", "\u0430.myshopify.com", "a\x00.myshopify.com", "",
    ".myshopify.com", "-a.myshopify.com", "a..myshopify.com", "x" * 3000 + ".myshopify.com", "a.myshopify.com:8000", "a%2emyshopify.com",
    "a.myshopify.com,b.myshopify.com", "A_B.myshopify.com", " a.myshopify.com",
]  # fmt: skip


@pytest.mark.parametrize("shop", SHOPS)
def test_no_door_takes_a_shop_that_is_none_even_signed(db: None, shop: str) -> None:
    before = counts()
    client = Client(raise_request_exception=False)

    for path, more in (
        ("/shopify/install", {}),
        ("/shopify/callback", {"code": "x", "state": "y"}),
        ("/shopify/app", {"embedded": "1"}),
    ):
        for query in (shopify_query(shop=shop, **more), {"shop": shop, **more}):
            answer = client.get(path, query)
            assert answer.status_code < 500
            if path != "/shopify/app":
                assert 400 <= answer.status_code < 500, (path, answer.status_code)
            assert "evil" not in answer.get("Location", "") + answer.get("Content-Security-Policy", "")
    assert counts() == before


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "0",
        "-1",
        "abc",
        "1e9",
        "9" * 30,
        "9" * 5000,
        "\u0661\u0662",
        "\u00b2",
        "1600000000",
        "4600000000",
        "1600000000\n",
        "a\x00",
    ],
)
def test_a_signed_link_with_a_junk_time_is_refused(db: None, stamp: str) -> None:
    before = counts()

    answer = Client(raise_request_exception=False).get(
        "/shopify/install", shopify_query(shop="a.myshopify.com", timestamp=stamp)
    )

    assert answer.status_code == 400
    assert counts() == before


def _begun(cast: Cast, client: Client, place: str, **payload: Any) -> str:
    """Begin a consent in this browser, as *Add account* and *Install* do, and return its state."""
    session = client.session
    state = connect.begin(platform=place, session=session, user=cast.user, merchant_id=cast.id, payload=payload)
    session.save()
    return state


WISH = {"platform": "amazon", "region": "na", "name": "New", "sites": ["US"], "actor": "x", "shop": ""}


def test_a_state_that_is_wrong_replayed_too_old_or_of_another_browser_connects_nothing(
    planted: Planted, browser: Client
) -> None:
    wish = WISH | {"store_id": planted.ids["store"]}
    good = {"spapi_oauth_code": "x", "selling_partner_id": "A1", "mws_auth_token": ""}
    used = _begun(planted.cast, browser, "amazon", **wish)
    ConnectState.objects.update(used_at=now())
    old = _begun(planted.cast, browser, "amazon", **wish)
    ConnectState.objects.filter(used_at=None).update(expires_at=now() - timedelta(seconds=1))
    other_platform = _begun(planted.cast, browser, "shopify", **wish)
    elsewhere = Client()
    elsewhere.force_login(planted.cast.user)
    other_browser = _begun(planted.cast, elsewhere, "amazon", **wish)
    before = canaries.rows_of(planted.cast.id), counts()

    for state in ("", "nonsense", used, old, other_platform, other_browser, used + "x", "a\x00b", "x" * 9000):
        answer = browser.get("/connect/amazon/callback", {"state": state} | good)
        assert answer.status_code == 409, state[:20]
        assert b"Start again" in answer.content or b"Look under Accounts" in answer.content
    assert browser.get("/connect/amazon/callback").status_code == 409
    assert browser.get("/connect/myspace/callback", {"state": used}).status_code == 404

    assert (canaries.changed(before[0], canaries.rows_of(planted.cast.id)), counts()) == ([], before[1])


@pytest.mark.parametrize(
    "query",
    [
        {}, {"spapi_oauth_code": ""}, {"error": "access_denied"}, {"error": "a\x00", "error_description": "<b>x"},
        {"selling_partner_id": "A1"}, {"spapi_oauth_code": "x", "selling_partner_id": "a\x00b"},
        {"spapi_oauth_code": "x" * 9000, "selling_partner_id": "../"}, {"spapi_oauth_code": "x", "selling_partner_id": ""},
    ],
)  # fmt: skip
def test_a_consent_that_comes_back_without_what_it_needs_connects_nothing(
    planted: Planted, browser: Client, query: dict[str, str]
) -> None:
    state = _begun(planted.cast, browser, "amazon", **WISH | {"store_id": planted.ids["store"]})
    before = canaries.rows_of(planted.cast.id), counts()

    answer = browser.get("/connect/amazon/callback", {"state": state} | query)

    assert 400 <= answer.status_code < 500 or answer.status_code == 503, answer.status_code
    assert (canaries.changed(before[0], canaries.rows_of(planted.cast.id)), counts()) == ([], before[1])
    assert browser.get("/connect/amazon/callback", {"state": state} | query).status_code == 409, "a state is good once"


@pytest.mark.parametrize(
    "uri",
    ["", "evil", "https://evil.example/x", "https://amazon.com.evil.example/", "https://sellercentral.amazon.com@evil.example/x",
     "javascript:alert(1)", "//evil.example", "https://evil.example/?sellercentral.amazon.com", "https://[::1", "\x00", "http://127.0.0.1:1@evil.example/"],
)  # fmt: skip
def test_amazons_login_address_sends_nobody_elsewhere(planted: Planted, browser: Client, uri: str) -> None:
    query = {"amazon_callback_uri": uri, "amazon_state": "s", "selling_partner_id": "A1"}

    answer = browser.get("/connect/amazon/login", query)

    assert answer.status_code == 400
    assert "began_there" not in browser.session


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b.c", "\u00e9", "x" * 20_000, "null", "eyJhbGciOiJub25lIn0.e30.", "..", "a\x00b", "Bearer Bearer"],
)  # fmt: skip
def test_a_session_token_that_is_none_opens_nothing(planted: Planted, token: str) -> None:
    client = Client(raise_request_exception=False)

    for answer in (
        client.get("/accounts/", headers={"Authorization": f"Bearer {token}"}), client.get("/", {"id_token": token, "embedded": "1"}),
        client.post("/settings/", {"field": "x"}, headers={"Authorization": f"Bearer {token}"}),
    ):  # fmt: skip
        assert answer.status_code in (200, 302, 401, 403), answer.status_code
        assert canaries.found_in(answer.content.decode(), planted.all_words) == []


@pytest.mark.parametrize("claims", [{"exp": 10**15}, {"exp": 1e300}, {"exp": "soon"}, {"exp": []}, {"dest": 5}, {"iss": None}, {"sub": {}},
                                    {"dest": "https://[::1"}, {"aud": ["a", "b"]}, {"nbf": "x"}])  # fmt: skip
def test_a_signed_session_token_with_strange_claims_is_no_500(planted: Planted, claims: dict[str, Any]) -> None:
    token = session_token(planted.cast.store.key, **claims)

    answer = Client(raise_request_exception=False).get("/accounts/", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code in (200, 401)


# ── webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def deliver(cast: Cast, body: bytes, topic: str = "products/update", **changes: Any) -> int:
    """Send a delivery signed as Shopify signs; `changes` spoil its headers. Return the status."""
    signature = base64.b64encode(
        hmac.new(settings.PLATFORM_APPS["shopify"]["client_secret"].encode(), body, hashlib.sha256).digest()
    ).decode()
    headers = {"X-Shopify-Hmac-Sha256": signature, "X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": cast.store.key,
               "X-Shopify-Event-Id": "event", "X-Shopify-Triggered-At": now().isoformat()} | changes  # fmt: skip
    kind = headers.pop("kind", "application/json")
    client = Client(raise_request_exception=False)
    return int(client.generic("POST", "/webhooks/shopify", body, content_type=kind, headers=headers).status_code)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b"5", b'"x"', b"{", b"\xff\xfe", b"\x00", b'{"id":', b"[" * 100_000, b'{"id":' * 50_000, b"<xml/>", b"NaN",
    ],
)  # fmt: skip
def test_a_signed_delivery_that_is_no_object_is_400_and_leaves_no_row(planted: Planted, body: bytes) -> None:
    before = canaries.rows_of(planted.cast.id)

    assert deliver(planted.cast, body) == 400
    assert canaries.changed(before, canaries.rows_of(planted.cast.id)) == []


STRANGE = [None, 5, -5, "x", "", [], {}, [None], [{}], True, 1.5, "9" * 5000, "a\x00b", [1, [2]]]


@pytest.mark.parametrize(
    "topic",
    ["products/update", "inventory_levels/update", "orders/edited", "refunds/create", "customers/redact", "customers/data_request",
     "shop/redact", "app/scopes_update", "no/such", "", "x" * 5000],
)  # fmt: skip
def test_no_signed_delivery_of_strange_members_is_a_500(planted: Planted, topic: str) -> None:
    found = []
    for member in (
        "id",
        "inventory_item_id",
        "order_id",
        "order_edit",
        "orders_to_redact",
        "orders_requested",
        "customer",
    ):
        for value in STRANGE:
            status = deliver(planted.cast, json.dumps({member: value}).encode(), topic)
            if status not in (200, 400):
                found.append(f"{member}={str(value)[:30]} → {status}")

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "changes",
    [
        {"X-Shopify-Triggered-At": "soon"}, {"X-Shopify-Triggered-At": "9999999-01-01"}, {"X-Shopify-Triggered-At": ""},
        {"X-Shopify-Event-Id": "x" * 5000}, {"X-Shopify-Event-Id": ""}, {"kind": "text/plain"}, {"kind": ""},
        {"kind": "application/json; charset=klingon"}, {"kind": "multipart/form-data"},
    ],
)  # fmt: skip
def test_strange_headers_of_a_signed_delivery_are_no_500(planted: Planted, changes: dict[str, str]) -> None:
    assert deliver(planted.cast, b'{"id": 1}', **changes) in (200, 400)


@pytest.mark.parametrize("shop", [*SHOPS, "nobody-at-all.myshopify.com"])
def test_a_signed_delivery_of_another_shop_is_refused(planted: Planted, shop: str) -> None:
    before = canaries.rows_of(planted.cast.id)
    headers = {"X-Shopify-Shop-Domain": shop}

    assert deliver(planted.cast, b'{"id": 1}', **headers) in (400, 404)
    assert canaries.changed(before, canaries.rows_of(planted.cast.id)) == []


def test_three_megabytes_are_413_signed_or_not(planted: Planted) -> None:
    body = b'{"id": 1, "pad": "' + b"x" * (3 * 1024 * 1024) + b'"}'
    before = canaries.rows_of(planted.cast.id)
    wrong = {"X-Shopify-Hmac-Sha256": "AAAA"}

    assert deliver(planted.cast, body) == 413
    assert deliver(planted.cast, body, **wrong) == 413
    assert canaries.changed(before, canaries.rows_of(planted.cast.id)) == []


# ── the API ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def program(planted: Planted) -> Any:
    """A function (method, path, body as text or data, headers) → answer, with the merchant's own token."""
    _, token = authentication.issue(merchant_id=planted.cast.id, name="own", role="owner")
    client = Client(raise_request_exception=False)
    client.get("/api/v1/summary", headers={"Authorization": f"Bearer {token}"})  # a token's first use is noted on it

    def call(method: str, path: str, body: Any = b"", kind: str = "application/json", **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = path.format(**planted.ids)
        return client.generic(
            method, f"/api/v1{path}", data, content_type=kind, headers={"Authorization": f"Bearer {token}"} | headers
        )

    return call


def is_problem(answer: Any) -> bool:
    """Say whether an answer is a problem document whose status is its own."""
    return (
        answer["Content-Type"] == "application/problem+json"
        and answer.json()["status"] == answer.status_code
        and bool(answer.json()["detail"])
    )


WRITES = [
    ("POST", "/orders/{order}/export"), ("POST", "/orders/{order}/lines/1/match"), ("POST", "/sku-mappings"), ("PATCH", "/settings"),
    ("PATCH", "/stores/{store}/settings"), ("PATCH", "/accounts/{account}/settings"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    ("body", "kind", "statuses"),
    [
        (b"{", "application/json", {400}), (b"\xff\xfe", "application/json", {400}), (b"[]", "application/json", {422}),
        (b"[1, 2]", "application/json", {422}), (b'"x"', "application/json", {422}), (b"5", "application/json", {422}),
        (b"[" * 50_000, "application/json", {400}), (b'{"a":' * 50_000, "application/json", {400}),
        (b'{"sku": "x", "seller_sku": "\\u0000"}', "application/json", {422}), (b"a=b", "application/x-www-form-urlencoded", {415}),
        (b"<x/>", "text/xml", {415}), (b"{}", "application/json; charset=klingon", {400, 415}), (b'{"x": NaN}', "application/json", {400, 422}),
        (b'{"sku": "' + b"x" * (3 * 1024 * 1024) + b'"}', "application/json", {400, 413}),
        (b'{"sku": 1' + b"0" * 5000 + b"}", "application/json", {400, 422}),
    ],
)  # fmt: skip
def test_a_body_that_makes_no_sense_is_a_problem_and_saves_nothing(
    planted: Planted, program: Any, method: str, path: str, body: bytes, kind: str, statuses: set[int]
) -> None:
    before = canaries.rows_of(planted.cast.id)

    answer = program(method, path, body, kind)

    if b"seller_sku" in body and "mapping" not in path and answer.status_code == 200:
        return  # members it does not know are left aside
    assert answer.status_code in statuses, answer.content[:300]
    assert is_problem(answer)
    assert canaries.changed(before, canaries.rows_of(planted.cast.id)) == []


FIELDS = [
    ("/orders/{order}/export", {"create_anyway": [5, "x", None, [], {}], "again": ["perhaps", None, []]}),
    ("/orders/{order}/lines/1/match", {"sku": [5.5, None, [], {}, "", "a\x00b", "x" * 300, True], "variant": [[], {}, "x" * 300], "remember": ["ever", 5, []]}),
    ("/sku-mappings", {
        "seller_sku": [None, [], {}, "", " ", "a\x00b", "x" * 300, True], "sku": [None, [], "", "a\x00b", "x" * 300],
        "account": ["x", [], 1.5, -1, 10**30, 0, True], "store": ["x", [], -1, 10**30, 0, None],
    }),
]  # fmt: skip


@pytest.mark.parametrize(("path", "fields"), FIELDS)
def test_a_value_of_the_wrong_kind_is_422_naming_its_field(
    planted: Planted, program: Any, path: str, fields: dict[str, list[Any]]
) -> None:
    good = (
        {"sku": canaries.WORDS["store SKU"], "seller_sku": "S"}
        if path == "/sku-mappings"
        else {"sku": canaries.WORDS["store SKU"]}
    )
    before = canaries.rows_of(planted.cast.id)

    for name, values in fields.items():
        for value in values:
            answer = program("POST", path, good | {name: value})
            assert answer.status_code == 422, (name, value, answer.content)
            assert is_problem(answer) and name in answer.json()["errors"], (name, value, answer.content)
    assert canaries.changed(before, canaries.rows_of(planted.cast.id)) == []


NEEDS = {"mail_account_expired": "mail_account_expired_to"}
"""Setting → the other one it cannot be switched on without."""


@pytest.mark.parametrize("path", ["/settings", "/stores/{store}/settings", "/accounts/{account}/settings"])
def test_no_setting_takes_a_value_of_another_kind(planted: Planted, program: Any, path: str) -> None:
    values = [
        [],
        {},
        [[]],
        {"a": []},
        5,
        -1,
        1.5,
        10**30,
        "x\x00y",
        "x" * 5000,
        "<b>",
        True,
        [None],
        ["x\x00"],
        [5],
        {"__class__": 1},
    ]
    found = []
    for name in [*program("GET", path).json(), "no_such_setting", "__class__", "a\x00b", ""]:
        for value in values:
            before = canaries.rows_of(planted.cast.id)
            answer = program("PATCH", path, {name: value})
            if answer.status_code not in (200, 422):
                found.append(f"{name}={value!r:.40} → {answer.status_code}")
            # A value of the right kind may lack another one it needs; the error names that one.
            needs = NEEDS.get(name, name)
            if answer.status_code == 422 and (
                not {name, needs} & set(answer.json()["errors"])
                or canaries.changed(before, canaries.rows_of(planted.cast.id))
            ):
                found.append(f"{name}={value!r:.40} → 422 {answer.json()}")
        program("PATCH", path, {name: None})

    assert not found, "\n".join(found)


PARAMETERS = {
    "limit": (["0", "-1", "1000000000", "abc", "", "1.5", "\u0663", "\u00b2", "9" * 5000, "a\x00", "+1", " 1", "0x1", "None"], 422),
    "cursor": (["x", "zz", "=", "bnVsbA", "by4xLjEuMQ==x", "\u00e9", "9" * 5000, "a\x00b", "by45OTk5OTk5OTk5OTk5OTk5OTk5LjEuMQ",
                base64.urlsafe_b64encode(b"o.1.99999999999999999999.0").decode(), base64.urlsafe_b64encode(b"o.-99999999999999999.1.0").decode()], 422),
}  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/orders", "/orders?updated_since=2026-01-01", "/sku-mappings", "/orders/{order}/events"]
)
@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_a_page_that_cannot_be_is_422_naming_the_parameter(program: Any, path: str, name: str) -> None:
    values, status = PARAMETERS[name]
    for value in values:
        answer = program("GET", f"{path}{'&' if '?' in path else '?'}{urlencode({name: value})}")
        if name == "limit" and value == "+1":
            assert answer.status_code in (200, 422)
            continue
        assert (answer.status_code, is_problem(answer)) == (status, True), (name, value, answer.content)
        assert list(answer.json()["errors"]) == [name]


def test_other_parameters_of_the_api_are_checked_or_harmless(program: Any) -> None:
    for path, names in (
        ("/orders", ("export_state", "updated_since", "marketplace_order_id", "nonsense")),
        ("/sku-mappings", ("q", "account")),
    ):
        for name in names:
            for junk in JUNK:
                answer = program("GET", f"{path}?{urlencode({name: junk})}")
                assert answer.status_code in (200, 422), (name, junk)
                assert answer.status_code == 200 or list(answer.json()["errors"]) == [name]
    for junk in JUNK:
        assert program("DELETE", f"/sku-mappings?{urlencode({'id': junk})}").status_code in (404, 422), junk


@pytest.mark.parametrize("key", ["x" * 201, "a\x07b", "\u00e9\u202e"])
def test_an_idempotency_key_that_is_none_is_refused_and_nothing_is_done(
    planted: Planted, program: Any, key: str
) -> None:
    before = canaries.rows_of(planted.cast.id)

    answer = program("POST", "/sku-mappings", {"seller_sku": "A", "sku": "B"}, **{"Idempotency-Key": key})

    assert answer.status_code == 422 and "Idempotency-Key" in answer.json()["detail"]
    assert canaries.changed(before, canaries.rows_of(planted.cast.id)) == []


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer a b",
        "Basic eA==",
        "Bearer \u00e9",
        "Bearer " + "x" * 9000,
        "Bearer a\x00b",
        "bearer",
        "\u00e9",
    ],
)
def test_a_token_that_is_none_is_401(db: None, value: str) -> None:
    answer = Client(raise_request_exception=False).get("/api/v1/orders", headers={"Authorization": value})

    assert (answer.status_code, is_problem(answer)) == (401, True)


def test_the_workbench_takes_junk_calmly(planted: Planted) -> None:
    staff = Client(raise_request_exception=False)
    staff.force_login(User.objects.create_superuser("support@example.com", "x"))
    with tenancy.scope(planted.cast.id):
        before = planted.cast.merchant.name

    for junk in JUNK:
        for path in ("merchant", "store", "marketplaceaccount", "auditentry", "apitoken", "invitation", "user"):
            for name in ("q", "p", "o", "id__exact", "nonsense"):
                answer = staff.get(f"/admin/accounts/{path}/?{urlencode({name: junk})}")
                assert answer.status_code < 500, (path, name, junk[:20])
        answer = staff.post(f"/admin/accounts/merchant/{planted.cast.id}/open/", {"reason": junk})
        assert answer.status_code in (302, 400), junk
    assert before == canaries.WORDS["merchant"]
