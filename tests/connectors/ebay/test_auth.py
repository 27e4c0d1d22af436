"""The consent dance: where the seller is sent, and what becomes of what eBay sends back."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.contract.errors import AuthorizationExpired, Rejected, TransientError, UnexpectedReply
from connectors.ebay.auth import AppTokens, EbayAuth
from connectors.ebay.config import EbayConfig
from connectors.ebay.settings import SCOPES
from connectors.http import Deadlines
from tests.connectors.wire import Wire, answer, drop

BACK = "https://app.example/connect/ebay/callback"
CODE = "v^1.1#i^1#I^3#p^3#r^1#f^0#t^Ul41/+code="
GIVEN = {
    "access_token": "v^1.1#access",
    "expires_in": 7200,
    "refresh_token": "v^1.1#refresh",
    "refresh_token_expires_in": 47304000,
    "token_type": "User Access Token",
}
USER = {"userId": "EBLUMEN5Q", "username": "lumen-loom", "registrationMarketplaceId": "EBAY_US"}


def config(url: str) -> EbayConfig:
    return EbayConfig(
        client_id="Salestio-test",
        client_secret="client-secret",
        ru_name="Salestio-RuName",
        verification_token="v" * 40,
        api=url,
        apiz=url,
        auth="https://auth.ebay.com",
        deadlines=Deadlines(connect=0.5, read=1, total=2),
    )


@pytest.fixture
def auth(wire: Wire) -> EbayAuth:
    wire.answer_with(answer(200, GIVEN), answer(200, USER))
    return EbayAuth(config(wire.url))


def test_the_seller_is_sent_to_ebay_with_our_runame_and_scopes(auth: EbayAuth) -> None:
    url = urlsplit(auth.authorize_url(state="s/1", redirect_uri=BACK))

    assert (url.netloc, url.path) == ("auth.ebay.com", "/oauth2/authorize")
    assert parse_qs(url.query) == {
        "client_id": ["Salestio-test"],
        "redirect_uri": ["Salestio-RuName"],
        "response_type": ["code"],
        "scope": [" ".join(SCOPES)],
        "state": ["s/1"],
        "prompt": ["login"],
    }
    assert "+" not in url.query


def test_a_code_becomes_tokens_of_the_seller_who_never_changes_their_id(auth: EbayAuth, wire: Wire) -> None:
    before = datetime.now(UTC)

    grant = auth.exchange(query={"code": CODE, "state": "s", "expires_in": "299"}, redirect_uri=BACK)

    assert (grant.key, grant.access_token, grant.refresh_token) == ("EBLUMEN5Q", "v^1.1#access", "v^1.1#refresh")
    assert grant.access_expires_at is not None
    assert grant.refresh_expires_at is not None
    assert abs(grant.access_expires_at - before - timedelta(seconds=7200)) < timedelta(seconds=5)
    assert abs(grant.refresh_expires_at - before - timedelta(seconds=47304000)) < timedelta(seconds=5)
    token, user = wire.asked
    assert token.form == {"grant_type": "authorization_code", "code": CODE, "redirect_uri": "Salestio-RuName"}
    assert token.headers["authorization"] == "Basic " + base64.b64encode(b"Salestio-test:client-secret").decode()
    assert (user.method, user.path) == ("GET", "/commerce/identity/v1/user/")
    assert user.headers["authorization"] == "Bearer v^1.1#access"


def test_refreshing_keeps_the_refresh_token_and_says_nothing_of_its_end(auth: EbayAuth, wire: Wire) -> None:
    wire.answer_with(answer(200, {"access_token": "v^1.1#new", "expires_in": 7200}))

    grant = auth.refresh("v^1.1#refresh", key="EBLUMEN5Q")

    assert (grant.key, grant.access_token, grant.refresh_token) == ("EBLUMEN5Q", "v^1.1#new", "v^1.1#refresh")
    assert grant.refresh_expires_at is None
    assert wire.asked[0].form == {"grant_type": "refresh_token", "refresh_token": "v^1.1#refresh"}


@pytest.mark.parametrize(
    ("query", "code"),
    [({"error": "access_denied"}, "access_denied"), ({}, "incomplete"), ({"code": " "}, "incomplete")],
)
def test_a_return_without_consent_is_a_sentence(auth: EbayAuth, wire: Wire, query: dict[str, str], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        auth.exchange(query=query, redirect_uri=BACK)

    assert caught.value.code == code
    assert wire.asked == []


def test_a_used_code_asks_to_connect_again(auth: EbayAuth, wire: Wire) -> None:
    wire.answer_with(answer(400, {"error": "invalid_grant", "error_description": "the code is invalid"}))

    with pytest.raises(Rejected) as caught:
        auth.exchange(query={"code": CODE}, redirect_uri=BACK)

    assert caught.value.code == "invalid_grant"


def test_a_permission_that_ended_asks_the_seller_to_agree_again(auth: EbayAuth, wire: Wire) -> None:
    wire.answer_with(answer(400, {"error": "invalid_grant"}))

    with pytest.raises(AuthorizationExpired):
        auth.refresh("v^1.1#refresh")


ASKS: dict[str, Callable[[EbayAuth], object]] = {
    "exchange": lambda auth: auth.exchange(query={"code": CODE}, redirect_uri=BACK),
    "refresh": lambda auth: auth.refresh("v^1.1#refresh"),
    "app token": lambda auth: auth.app_token(),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
@pytest.mark.parametrize("error", ["invalid_client", "invalid_scope", "unauthorized_client", "invalid_request"])
def test_what_ebay_refuses_of_our_application_is_not_the_sellers_fault(
    auth: EbayAuth, wire: Wire, ask: Callable[[EbayAuth], object], error: str
) -> None:
    wire.answer_with(answer(401, {"error": error}))

    with pytest.raises(UnexpectedReply, match=error):
        ask(auth)


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
@pytest.mark.parametrize(
    "step", [answer(503, raw=b"<html>"), answer(200, raw=b"<html>"), answer(200, {}), answer(200, []), drop]
)
def test_a_token_service_in_trouble_is_asked_again_later(
    auth: EbayAuth, wire: Wire, ask: Callable[[EbayAuth], object], step: object
) -> None:
    wire.answer_with(step)  # type: ignore[arg-type]

    with pytest.raises(TransientError):
        ask(auth)


def test_a_grant_without_refresh_token_or_seller_is_unreadable(auth: EbayAuth, wire: Wire) -> None:
    wire.answer_with(answer(200, {"access_token": "v^1.1#access", "expires_in": 7200}))
    with pytest.raises(UnexpectedReply, match="refresh token"):
        auth.exchange(query={"code": CODE}, redirect_uri=BACK)

    wire.answer_with(answer(200, GIVEN), answer(200, {"username": "lumen-loom"}))
    with pytest.raises(UnexpectedReply, match="which seller"):
        auth.exchange(query={"code": CODE}, redirect_uri=BACK)


def test_our_own_token_is_asked_for_once_and_anew_when_refused(wire: Wire) -> None:
    first, second = {**GIVEN, "access_token": "app-1"}, {**GIVEN, "access_token": "app-2"}
    wire.answer_with(answer(200, first), answer(200, second))
    tokens = AppTokens(EbayAuth(config(wire.url)))

    assert [tokens.current(), tokens.current()] == ["app-1", "app-1"]
    tokens.refused("another")
    assert tokens.current() == "app-1"
    tokens.refused("app-1")
    assert tokens.current() == "app-2"
    assert wire.asked[0].form == {"grant_type": "client_credentials", "scope": "https://api.ebay.com/oauth/api_scope"}


def test_secrets_stay_out_of_the_configurations_text(wire: Wire) -> None:
    shown = repr(replace(config(wire.url), client_secret="hidden-1", verification_token="hidden-2"))

    assert "hidden" not in shown
