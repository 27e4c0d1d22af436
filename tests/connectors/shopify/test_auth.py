"""Installing, signing in and refreshing: what is believed, what is sent, and what comes back."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from connectors.contract.errors import AuthorizationExpired, Rejected, TransientError, UnexpectedReply
from connectors.contract.settings import AppSettings
from connectors.http import Deadlines
from connectors.shopify.auth import ShopifyAuth
from connectors.shopify.config import from_app
from connectors.shopify.settings import SETTINGS
from tests.connectors.shopify.cast import SHOP, config
from tests.connectors.wire import Wire, answer, drop

SECRET = config().client_secret
NOW = time.time()
PAIR = {
    "access_token": "shpat_fresh",
    "scope": "read_products,write_orders",
    "expires_in": 3600,
    "refresh_token": "shprt_fresh",
    "refresh_token_expires_in": 7776000,
}


def signed(secret: str = SECRET, **query: str) -> dict[str, str]:
    """Return a query signed as Shopify documents it: the sorted pairs joined by &, HMAC-SHA256, in hex."""
    given = {"shop": SHOP, "timestamp": str(int(NOW)), "code": "a-code", "state": "a-state", **query}
    text = "&".join(f"{name}={value}" for name, value in sorted(given.items()))
    return {**given, "hmac": hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()}


def signed_now(**query: str) -> dict[str, str]:
    """Return a query signed this moment: in a long run NOW, read when the tests are collected, is too old a link."""
    return signed(timestamp=str(int(time.time())), **query)


def token(secret: str = SECRET, **changes: Any) -> str:
    """Return a session token as App Bridge makes them."""
    claims = {
        "iss": f"https://{SHOP}/admin",
        "dest": f"https://{SHOP}",
        "aud": config().client_id,
        "sub": "42",
        # Good for a minute from now, whenever in a long run this test comes.
        "exp": int(time.time()) + 60,
        "nbf": int(time.time()),
        "iat": int(time.time()),
        "jti": "token-1",
        "sid": "session-1",
    }
    claims.update(changes)
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm="HS256")


@pytest.fixture
def auth(wire: Wire) -> ShopifyAuth:
    wire.answer_with(answer(200, PAIR, headers={"Content-Type": "application/json"}))
    return ShopifyAuth(config(f"{wire.url}/{{shop}}"))


def test_the_install_page_is_the_shops_own_and_asks_for_our_scopes() -> None:
    url = urlsplit(
        ShopifyAuth(config()).authorize_url(state="s", redirect_uri="https://app.example.com/back", store_key=SHOP)
    )

    query = parse_qs(url.query)
    assert (url.scheme, url.netloc, url.path) == ("https", SHOP, "/admin/oauth/authorize")
    assert query["client_id"] == ["client-of-ours"]
    assert query["redirect_uri"] == ["https://app.example.com/back"]
    assert "write_orders" in query["scope"][0].split(",")
    assert query["state"] == ["s"]
    assert "grant_options[]" not in query


@pytest.mark.parametrize(
    "shop",
    ["", "evil.com", f"{SHOP}/admin", f"{SHOP}\n", f"evil.com/?x={SHOP}", f"user@{SHOP}", "NORTHPINE.myshopify.com"],
)
def test_nothing_but_a_shops_permanent_domain_becomes_an_address(auth: ShopifyAuth, shop: str) -> None:
    with pytest.raises(Rejected) as caught:
        auth.authorize_url(state="s", redirect_uri="https://app.example.com/", store_key=shop)
    with pytest.raises(Rejected):
        auth.verify_query(signed(shop=shop))

    assert caught.value.code == "shop"


def test_a_genuine_query_names_its_shop(auth: ShopifyAuth) -> None:
    assert auth.verify_query(signed(host="YWRtaW4", embedded="1"), now=NOW) == SHOP


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (signed(secret="another"), "signature"),
        ({**signed(), "code": "changed"}, "signature"),
        ({name: value for name, value in signed().items() if name != "hmac"}, "signature"),
        ({**signed(), "hmac": "\u00fc"}, "signature"),
        (signed(timestamp=str(int(NOW) - 3600)), "timestamp"),
        (signed(timestamp=str(int(NOW) + 3600)), "timestamp"),
        (signed(timestamp="soon"), "timestamp"),
        (signed(timestamp="\u0661"), "timestamp"),
        (signed(timestamp=""), "timestamp"),
    ],
)
def test_a_query_that_is_not_genuine_or_too_old_is_refused(auth: ShopifyAuth, query: dict[str, str], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        auth.verify_query(query, now=NOW)

    assert caught.value.code == code


def test_a_code_becomes_an_expiring_offline_token(auth: ShopifyAuth, wire: Wire) -> None:
    before = datetime.now(UTC)

    grant = auth.exchange(query=signed_now(), redirect_uri="https://app.example.com/back")

    [asked] = wire.asked
    assert asked.path == f"/{SHOP}/admin/oauth/access_token"
    assert asked.form == {
        "client_id": "client-of-ours",
        "client_secret": SECRET,
        "code": "a-code",
        "expiring": "1",
    }
    assert (grant.key, grant.access_token, grant.refresh_token) == (SHOP, "shpat_fresh", "shprt_fresh")
    assert grant.scopes == ("read_products", "write_orders")
    assert grant.access_expires_at is not None
    assert grant.refresh_expires_at is not None
    assert timedelta(minutes=59) < grant.access_expires_at - before < timedelta(minutes=61)
    assert grant.refresh_expires_at - before > timedelta(days=89)


def test_a_merchant_who_did_not_agree_sends_no_code(auth: ShopifyAuth) -> None:
    with pytest.raises(Rejected) as caught:
        auth.exchange(query=signed_now(code=""), redirect_uri="")

    assert caught.value.code == "code"


def test_a_session_token_becomes_an_offline_token_of_its_own_shop(auth: ShopifyAuth, wire: Wire) -> None:
    given = token()

    grant = auth.exchange_session_token(SHOP, given)

    form = wire.asked[0].form
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"
    assert form["subject_token"] == given
    assert form["subject_token_type"] == "urn:ietf:params:oauth:token-type:id_token"
    assert form["requested_token_type"] == "urn:shopify:params:oauth:token-type:offline-access-token"
    assert form["expiring"] == "1"
    assert grant.key == SHOP


def test_a_session_token_of_another_shop_is_not_exchanged(auth: ShopifyAuth, wire: Wire) -> None:
    with pytest.raises(Rejected):
        auth.exchange_session_token("harbour-and-kiln.myshopify.com", token())

    assert wire.asked == []


def test_a_session_token_says_who_is_in_which_shops_admin(auth: ShopifyAuth) -> None:
    ends = int(time.time()) + 60
    claims = auth.decode_session_token(token(exp=ends))

    assert (claims.shop, claims.user_id, claims.session_id, claims.token_id) == (SHOP, "42", "session-1", "token-1")
    assert claims.expires_at == datetime.fromtimestamp(ends, UTC)


BAD_TOKENS: dict[str, Callable[[], str]] = {
    "another secret": lambda: token(secret="another-secret-that-is-long-enough-too"),
    "another app": lambda: token(aud="another-app"),
    "over": lambda: token(exp=int(time.time()) - 60),
    "without an end": lambda: token(exp=None),
    "not yet": lambda: token(nbf=int(time.time()) + 600),
    "another issuer": lambda: token(iss="https://harbour-and-kiln.myshopify.com/admin"),
    "a foreign issuer": lambda: token(iss="https://evil.com/admin", dest="https://evil.com"),
    "another scheme": lambda: token(iss=f"http://{SHOP}/admin", dest=f"http://{SHOP}"),
    "a port": lambda: token(iss=f"https://{SHOP}:8443/admin", dest=f"https://{SHOP}:8443"),
    "a destination that is no text": lambda: token(dest=5),
    "unsigned": lambda: jwt.encode(jwt.decode(token(), options={"verify_signature": False}), "", algorithm="none"),
    "nothing": lambda: "",
    "junk": lambda: "a.b.c",
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("made", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_a_session_token_that_is_not_right_in_every_part_is_refused(auth: ShopifyAuth, made: Callable[[], str]) -> None:
    with pytest.raises(Rejected) as caught:
        auth.decode_session_token(made())

    assert caught.value.code == "session_token"


def test_while_the_secret_is_rotated_the_old_one_still_verifies() -> None:
    auth = ShopifyAuth(config(client_secret="shpss_a-new-one-that-is-long-enough", old_client_secret=SECRET))

    assert auth.decode_session_token(token()).shop == SHOP
    assert auth.verify_query(signed(), now=NOW) == SHOP


def test_secrets_being_rotated_stand_in_one_setting_the_newest_first() -> None:
    urls = {name: address.real for name, address in SETTINGS.addresses.items()}
    app = {"client_id": "client-of-ours", "client_secret": f"shpss_new,{SECRET}", "handle": "salestio", "scopes": ()}

    made = from_app(AppSettings(urls=urls, app=app, app_url="", app_name="Salestio", deadlines=Deadlines()))

    assert (made.client_secret, made.old_client_secret) == ("shpss_new", SECRET)


def test_refreshing_sends_the_refresh_token_and_brings_a_new_pair(auth: ShopifyAuth, wire: Wire) -> None:
    grant = auth.refresh("shprt_old", key=SHOP)

    assert wire.asked[0].form == {
        "client_id": "client-of-ours",
        "client_secret": SECRET,
        "grant_type": "refresh_token",
        "refresh_token": "shprt_old",
    }
    assert grant.refresh_token == "shprt_fresh"


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_refresh_means_the_merchant_must_open_the_app_again(
    auth: ShopifyAuth, wire: Wire, status: int
) -> None:
    wire.answer_with(answer(status, {"error": "invalid_grant"}, headers={"Content-Type": "application/json"}))

    with pytest.raises(AuthorizationExpired):
        auth.refresh("shprt_old", key=SHOP)


@pytest.mark.parametrize("step", [answer(500), drop, answer(423, {"errors": "Locked"})])
def test_an_unanswered_refresh_may_be_repeated(auth: ShopifyAuth, wire: Wire, step: Any) -> None:
    wire.answer_with(step)

    with pytest.raises(TransientError):
        auth.refresh("shprt_old", key=SHOP)


def test_a_wrong_secret_of_ours_is_our_fault_and_not_the_merchants(auth: ShopifyAuth, wire: Wire) -> None:
    wire.answer_with(answer(401, {"error": "invalid_client"}, headers={"Content-Type": "application/json"}))

    with pytest.raises(UnexpectedReply) as caught:
        auth.refresh("shprt_old", key=SHOP)

    assert "CLIENT_SECRET" in str(caught.value)


def test_no_secret_reaches_a_log_or_an_error(
    auth: ShopifyAuth, wire: Wire, everything_logged: Callable[[], str]
) -> None:
    auth.refresh("shprt_old", key=SHOP)
    echo = {"error": "invalid_grant", "error_description": f"shprt_old {SECRET}"}
    wire.answer_with(answer(400, echo, headers={"Content-Type": "application/json"}))

    with pytest.raises(AuthorizationExpired) as caught:
        auth.refresh("shprt_old", key=SHOP)

    said = everything_logged() + f"{caught.value} {vars(caught.value)} {config()!r}"
    assert "refreshToken" in said
    for secret in ("shprt_old", "shprt_fresh", "shpat_fresh", SECRET):
        assert secret not in said
