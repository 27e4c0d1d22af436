"""Installing and signing in: what is believed, what is refused, what is asked of BigCommerce."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from connectors.bigcommerce.auth import BigCommerceAuth, InstallUser
from connectors.bigcommerce.config import BigCommerceConfig, from_app, is_store_hash
from connectors.bigcommerce.settings import SETTINGS
from connectors.contract.errors import AuthorizationExpired, Rejected, TransientError, UnexpectedReply
from connectors.contract.settings import AppSettings
from connectors.http import Deadlines
from tests.connectors.bigcommerce.cast import SECRET, STORE, config
from tests.connectors.wire import Wire, answer

BACK = "https://app.example.com/bigcommerce/auth"
QUERY = {"code": "qr6h3thvbvag2ffq", "scope": "store_v2_orders store_inventory_read_only", "context": f"stores/{STORE}"}
GRANTED = {
    "access_token": "the-token",
    "scope": "store_v2_orders store_inventory_read_only",
    "user": {"id": 24654, "username": "ada@example.com", "email": "ada@example.com"},
    "owner": {"id": 12345, "username": "owner@example.com", "email": "owner@example.com"},
    "context": f"stores/{STORE}",
    "account_uuid": "12345678-90ab-cdef-1234-567890abcdef",
}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def auth(wire: Wire) -> BigCommerceAuth:
    return BigCommerceAuth(config(wire.url))


def payload(secret: str = SECRET, algorithm: str = "HS256", leave_out: str = "", **changes: Any) -> str:
    now = int(time.time())
    claims: dict[str, Any] = {
        "aud": "client-of-ours",
        "iss": "bc",
        "iat": now,
        "nbf": now,
        "exp": now + 86_400,
        "jti": "c5f0bcf5-a504-4ae6-8dcc-0e40eaa5a070",
        "sub": f"stores/{STORE}",
        "user": {"id": 9876543, "email": "ada@example.com", "locale": "en-US"},
        "owner": {"id": 7654321, "email": "owner@example.com"},
        "url": "/orders",
        "channel_id": None,
    }
    claims |= changes
    claims.pop(leave_out, None)
    return jwt.encode(claims, secret, algorithm=algorithm)


def rotating(secrets: str) -> BigCommerceAuth:
    """Return the dance of an app whose secrets are set like this in the environment."""
    urls = {name: address.real for name, address in SETTINGS.addresses.items()}
    app = {"client_id": "client-of-ours", "client_secret": secrets, "app_id": "1"}
    return BigCommerceAuth(
        from_app(AppSettings(urls=urls, app=app, app_url="", app_name="Salestio", deadlines=Deadlines()))
    )


def test_while_the_secret_is_rotated_the_old_one_still_verifies_and_the_new_one_is_used() -> None:
    auth = rotating(f"a-new-secret-that-is-long-enough-to-sign,{SECRET}")

    assert auth.config.client_secret == "a-new-secret-that-is-long-enough-to-sign"
    assert auth.decode_payload(payload()).store_hash == STORE
    assert auth.decode_payload(payload(secret=auth.config.client_secret)).store_hash == STORE
    with pytest.raises(Rejected):
        auth.decode_payload(payload(secret=f"{auth.config.client_secret},{SECRET}"))


# ── installing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_code_becomes_the_stores_token_and_tells_who_installed(wire: Wire, auth: BigCommerceAuth) -> None:
    wire.answer_with(answer(200, GRANTED))

    grant, person = auth.exchange_with_user(QUERY, BACK)

    assert (grant.key, grant.access_token, grant.access_expires_at) == (STORE, "the-token", None)
    assert grant.scopes == ("store_v2_orders", "store_inventory_read_only")
    assert person == InstallUser("24654", "ada@example.com", "12345", "owner@example.com")
    assert wire.asked[0].path == "/oauth2/token"
    assert wire.asked[0].json == {
        "client_id": "client-of-ours",
        "client_secret": SECRET,
        "code": "qr6h3thvbvag2ffq",
        "context": f"stores/{STORE}",
        "scope": "store_v2_orders store_inventory_read_only",
        "grant_type": "authorization_code",
        "redirect_uri": BACK,
    }


def test_the_protocols_exchange_gives_the_same_token(wire: Wire, auth: BigCommerceAuth) -> None:
    wire.answer_with(answer(200, GRANTED))

    assert auth.exchange(query=dict(QUERY), redirect_uri=BACK).access_token == "the-token"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"context": ""}, "store"),
        ({"context": "stores/../admin"}, "store"),
        ({"context": f"stores/{STORE}/v2"}, "store"),
        ({"context": f"stores/{STORE}\n"}, "store"),
        ({"code": ""}, "code"),
    ],
)
def test_a_callback_that_is_not_whole_is_refused_without_a_call(
    wire: Wire, auth: BigCommerceAuth, changes: dict[str, str], code: str
) -> None:
    with pytest.raises(Rejected) as caught:
        auth.exchange(query={**QUERY, **changes}, redirect_uri=BACK)

    assert caught.value.code == code
    assert wire.asked == []


def test_a_code_of_another_store_is_refused(wire: Wire, auth: BigCommerceAuth) -> None:
    wire.answer_with(answer(200, {**GRANTED, "context": "stores/another7"}))

    with pytest.raises(Rejected) as caught:
        auth.exchange(query=dict(QUERY), redirect_uri=BACK)

    assert caught.value.code == "store"


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (answer(400, {"error": "invalid_grant"}, headers=JSON), Rejected),
        (answer(400, raw=b"<html>no</html>"), Rejected),
        (answer(401, {"error": "invalid_client"}, headers=JSON), UnexpectedReply),
        (answer(402, {}), TransientError),
        (answer(500, {}), TransientError),
        (answer(200, {**GRANTED, "access_token": None}), UnexpectedReply),
        (answer(200, raw=b"<html>down for a while</html>"), TransientError),
    ],
)
def test_an_exchange_that_fails_says_what_to_do(wire: Wire, auth: BigCommerceAuth, step: Any, kind: type) -> None:
    wire.answer_with(step)

    with pytest.raises(kind):
        auth.exchange(query=dict(QUERY), redirect_uri=BACK)


def test_neither_code_nor_secret_reaches_an_error_or_a_log(
    wire: Wire, auth: BigCommerceAuth, everything_logged: Callable[[], str]
) -> None:
    wire.answer_with(answer(400, {"error": "invalid_grant", "error_description": QUERY["code"]}, headers=JSON))

    with pytest.raises(Rejected) as caught:
        auth.exchange(query=dict(QUERY), redirect_uri=BACK)

    for words in (str(caught.value), everything_logged()):
        assert QUERY["code"] not in words
        assert SECRET not in words


def test_a_store_is_added_from_the_app_market_only(auth: BigCommerceAuth) -> None:
    with pytest.raises(Rejected) as caught:
        auth.authorize_url(state="s", redirect_uri=BACK, store_key=STORE)

    assert caught.value.code == "app_market"


def test_a_token_is_never_renewed_by_itself(auth: BigCommerceAuth) -> None:
    with pytest.raises(AuthorizationExpired):
        auth.refresh("anything", key=STORE)


# ── signed payloads ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_signed_payload_says_who_opens_which_store(auth: BigCommerceAuth) -> None:
    claims = auth.decode_payload(payload())

    assert claims.store_hash == STORE
    assert (claims.user_id, claims.user_email) == ("9876543", "ada@example.com")
    assert (claims.owner_id, claims.owner_email) == ("7654321", "owner@example.com")
    assert (claims.url, claims.token_id) == ("/orders", "c5f0bcf5-a504-4ae6-8dcc-0e40eaa5a070")


def test_a_clock_some_seconds_off_does_no_harm(auth: BigCommerceAuth) -> None:
    now = int(time.time())

    assert auth.decode_payload(payload(nbf=now + 5, iat=now + 5)).store_hash == STORE
    assert auth.decode_payload(payload(exp=now - 5)).store_hash == STORE


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(payload(secret="another-secret-that-is-long-enough"), id="another secret"),
        pytest.param(payload(aud="another-client"), id="another app"),
        pytest.param(payload(iss="evil"), id="another issuer"),
        pytest.param(payload(exp=int(time.time()) - 60), id="over"),
        pytest.param(payload(nbf=int(time.time()) + 7200), id="not yet"),
        pytest.param(payload(leave_out="exp"), id="without an end"),
        pytest.param(payload(leave_out="aud"), id="for no app"),
        pytest.param(payload(leave_out="iss"), id="by nobody"),
        pytest.param(payload(leave_out="sub"), id="of no store"),
        pytest.param(payload(sub="stores/../admin"), id="of no real store"),
        pytest.param(payload(sub=STORE), id="a bare hash"),
        pytest.param(jwt.encode({"sub": f"stores/{STORE}"}, "", algorithm="none"), id="unsigned"),
        pytest.param("a.b.c", id="no token"),
        pytest.param("", id="nothing"),
        pytest.param("x" * 100_000, id="far too long"),
        pytest.param(payload(exp="soon"), id="with an end that is none"),
    ],
)
def test_a_payload_that_is_not_good_is_refused(auth: BigCommerceAuth, token: str) -> None:
    with pytest.raises(Rejected) as caught:
        auth.decode_payload(token)

    assert caught.value.code == "signed_payload"


def test_a_payload_without_people_is_read_all_the_same(auth: BigCommerceAuth) -> None:
    claims = auth.decode_payload(payload(user=None, owner="x", url=None))

    assert (claims.user_id, claims.owner_email, claims.url) == ("", "", "")


# ── configuration ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "fits"),
    [("g5cd38", True), ("lmnloom7k2", True), ("", False), ("a/b", False), ("g5cd38\n", False), ("A5", False)],
)
def test_only_a_store_hash_becomes_part_of_an_address(text: str, fits: bool) -> None:
    assert is_store_hash(text) is fits
    if not fits:
        with pytest.raises(Rejected):
            config().url(text)


def test_the_environments_settings_become_the_configuration() -> None:
    made: BigCommerceConfig = from_app(
        AppSettings(
            urls={name: one.real for name, one in SETTINGS.addresses.items()},
            app={"client_id": "id", "client_secret": SECRET, "app_id": "77"},
            app_url="https://app.example.com",
            app_name="Salestio",
            deadlines=Deadlines(),
        )
    )

    assert made.url(STORE) == f"https://api.bigcommerce.com/stores/{STORE}"
    assert made.order_page(STORE, "118") == f"https://store-{STORE}.mybigcommerce.com/manage/orders/118"
    assert made.app_page(STORE) == f"https://store-{STORE}.mybigcommerce.com/manage/app/77"
    assert SECRET not in repr(made)
