"""The consent dance: where the seller is sent, and what becomes of what Etsy sends back."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.contract.errors import AuthorizationExpired, Rejected, TransientError, UnexpectedReply
from connectors.contract.marketplace import Authorization
from connectors.etsy.auth import EtsyAuth
from tests.connectors.etsy.world import config
from tests.connectors.wire import Wire, answer, drop

BACK = "https://app.example/connect/etsy/callback"
CALLBACK = {"code": "code-1", "state": "state-1"}
GIVEN = {"access_token": "77.access", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "77.refresh-2"}
ME = {"user_id": 77, "shop_id": 12345}


@pytest.fixture
def auth(wire: Wire) -> EtsyAuth:
    wire.answer_with(answer(200, GIVEN), answer(200, ME))
    return EtsyAuth(config(wire.url))


def consent(auth: EtsyAuth, state: str = "state-1") -> dict[str, str]:
    return dict(parse_qsl(urlsplit(auth.authorize_url(state=state, redirect_uri=BACK)).query))


def test_it_keeps_the_contract(auth: EtsyAuth) -> None:
    kept: Authorization = auth

    assert kept.platform == "etsy"


def test_the_seller_is_sent_to_the_consent_page(auth: EtsyAuth, wire: Wire) -> None:
    url = auth.authorize_url(state="state-1", redirect_uri=BACK)

    assert url.startswith(f"{wire.url}/etsy/site/oauth/connect?")
    query = consent(auth)
    assert query.pop("code_challenge")
    assert query == {
        "response_type": "code",
        "client_id": "testkeystring",
        "redirect_uri": BACK,
        "scope": "transactions_r transactions_w listings_r listings_w shops_r",
        "state": "state-1",
        "code_challenge_method": "S256",
    }
    assert "+" not in url


def test_the_challenge_is_of_the_verifier_sent_later(auth: EtsyAuth, wire: Wire) -> None:
    challenge = consent(auth)["code_challenge"]

    auth.exchange(query=CALLBACK, redirect_uri=BACK)

    verifier = wire.asked[0].form["code_verifier"]
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    assert challenge == hashed
    assert 43 <= len(verifier) <= 128


def test_every_state_has_a_verifier_of_its_own_and_it_is_not_the_state(auth: EtsyAuth) -> None:
    one, same, other = auth.verifier("state-1"), auth.verifier("state-1"), auth.verifier("state-2")

    assert one == same
    assert one != other
    assert "state-1" not in one


def test_the_code_becomes_the_tokens_of_the_sellers_shop(auth: EtsyAuth, wire: Wire) -> None:
    before = datetime.now(UTC)

    grant = auth.exchange(query=CALLBACK, redirect_uri=BACK)

    assert (grant.key, grant.access_token, grant.refresh_token) == ("12345", "77.access", "77.refresh-2")
    assert grant.access_expires_at is not None
    assert grant.refresh_expires_at is not None
    assert timedelta(0) <= grant.access_expires_at - before - timedelta(hours=1) < timedelta(seconds=5)
    assert timedelta(0) <= grant.refresh_expires_at - before - timedelta(days=90) < timedelta(seconds=5)
    token, me = wire.asked
    form = token.form
    assert form.pop("code_verifier")
    assert (token.path, form) == (
        "/etsy/v3/public/oauth/token",
        {"grant_type": "authorization_code", "client_id": "testkeystring", "redirect_uri": BACK, "code": "code-1"},
    )
    assert me.path == "/etsy/v3/application/users/me"
    assert (me.headers["authorization"], me.headers["x-api-key"]) == ("Bearer 77.access", "testkeystring:testsecret")


@pytest.mark.parametrize("missing", ["code", "state"])
def test_a_return_that_is_not_complete_is_refused(auth: EtsyAuth, wire: Wire, missing: str) -> None:
    with pytest.raises(Rejected, match="connect again"):
        auth.exchange(query={key: value for key, value in CALLBACK.items() if key != missing}, redirect_uri=BACK)

    assert wire.asked == []


def test_a_seller_who_said_no_is_told_so(auth: EtsyAuth) -> None:
    with pytest.raises(Rejected, match="declined"):
        auth.exchange(query={"error": "access_denied", "state": "state-1"}, redirect_uri=BACK)


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_request"])
def test_a_code_used_up_or_too_old_is_a_sentence(auth: EtsyAuth, wire: Wire, error: str) -> None:
    wire.answer_with(answer(400, {"error": error, "error_description": "code has been used previously"}))

    with pytest.raises(Rejected, match="used already or is too old"):
        auth.exchange(query=CALLBACK, redirect_uri=BACK)


@pytest.mark.parametrize(
    "me",
    [
        pytest.param(answer(200, {"user_id": 77, "shop_id": None}), id="null"),
        pytest.param(answer(200, {"user_id": 77, "shop_id": 0}), id="zero"),
        pytest.param(answer(200, {"user_id": 77}), id="absent"),
        pytest.param(answer(404, {"error": "Shop not found"}), id="404"),
    ],
)
def test_a_user_without_a_shop_is_told_to_sign_in_as_its_owner(auth: EtsyAuth, wire: Wire, me: object) -> None:
    wire.answer_with(answer(200, GIVEN), me)  # type: ignore[arg-type]

    with pytest.raises(Rejected, match="has no shop") as caught:
        auth.exchange(query=CALLBACK, redirect_uri=BACK)

    assert caught.value.code == "no_shop"


def test_no_refresh_token_is_no_connection(auth: EtsyAuth, wire: Wire) -> None:
    wire.answer_with(answer(200, {key: value for key, value in GIVEN.items() if key != "refresh_token"}))

    with pytest.raises(UnexpectedReply, match="no refresh token"):
        auth.exchange(query=CALLBACK, redirect_uri=BACK)


def test_a_refresh_brings_a_new_pair(auth: EtsyAuth, wire: Wire) -> None:
    before = datetime.now(UTC)

    grant = auth.refresh("77.refresh-1", key="12345")

    assert (grant.key, grant.access_token, grant.refresh_token) == ("12345", "77.access", "77.refresh-2")
    assert grant.refresh_expires_at is not None
    assert grant.refresh_expires_at - before >= timedelta(days=90)
    (asked,) = wire.asked
    assert asked.form == {
        "grant_type": "refresh_token",
        "client_id": "testkeystring",
        "refresh_token": "77.refresh-1",
    }


def test_a_seller_who_withdrew_must_agree_again(auth: EtsyAuth, wire: Wire) -> None:
    wire.answer_with(answer(400, {"error": "invalid_grant", "error_description": "Token is revoked"}))

    with pytest.raises(AuthorizationExpired):
        auth.refresh("77.refresh-1", key="12345")


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(answer(401, {"error": "invalid_client"}), id="invalid_client"),
        pytest.param(answer(400, {"error": "invalid_scope"}), id="invalid_scope"),
        pytest.param(answer(403, {"error": "Shared secret is required in x-api-key header."}), id="shared secret"),
    ],
)
def test_our_own_key_refused_is_not_the_sellers_fault(auth: EtsyAuth, wire: Wire, step: object) -> None:
    wire.answer_with(step)  # type: ignore[arg-type]

    with pytest.raises(UnexpectedReply, match="our application's own key"):
        auth.refresh("77.refresh-1")


def test_our_own_key_refused_after_the_consent_is_not_the_sellers_fault(auth: EtsyAuth, wire: Wire) -> None:
    wire.answer_with(answer(200, GIVEN), answer(403, {"error": "Shared secret is required in x-api-key header."}))

    with pytest.raises(UnexpectedReply, match="our application's own key"):
        auth.exchange(query=CALLBACK, redirect_uri=BACK)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(drop, id="dropped"),
        pytest.param(answer(500, {"error": "server_error"}), id="500"),
        pytest.param(answer(503, raw=b"<html></html>"), id="503"),
        pytest.param(answer(200, raw=b"<html></html>"), id="HTML"),
        pytest.param(answer(200, []), id="a list"),
        pytest.param(answer(200, {"token_type": "Bearer"}), id="no token"),
        pytest.param(answer(400, {"error": "server_error"}), id="server_error"),
    ],
)
def test_no_answer_never_asks_the_seller_to_reconnect(auth: EtsyAuth, wire: Wire, step: object) -> None:
    wire.answer_with(step)  # type: ignore[arg-type]

    with pytest.raises(TransientError):
        auth.refresh("77.refresh-1")


def test_no_secret_reaches_a_log_or_a_repr(auth: EtsyAuth, everything_logged: Callable[[], str]) -> None:
    auth.exchange(query=CALLBACK, redirect_uri=BACK)

    shown = everything_logged() + repr(auth.config)

    assert "exchangeCode" in shown
    for secret in ("testsecret", "code-1", "77.access", "77.refresh-2", "whsec_", auth.verifier("state-1")):
        assert secret not in shown
