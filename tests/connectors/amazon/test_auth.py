"""The consent dance: where the seller is sent, and what becomes of what Amazon sends back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.amazon import sites
from connectors.amazon.auth import AmazonAuth, AppTokens
from connectors.contract.errors import AuthorizationExpired, Rejected, TransientError, UnexpectedReply
from tests.connectors.amazon.test_client import config
from tests.connectors.wire import Wire, answer, drop

BACK = "https://app.example/connect/amazon/return"
CALLBACK = {"selling_partner_id": "A1FICTIVE", "spapi_oauth_code": "code-1", "state": "s"}
GIVEN = {"access_token": "Atza|access", "refresh_token": "Atzr|refresh", "token_type": "bearer", "expires_in": 3600}


@pytest.fixture
def auth(wire: Wire) -> AmazonAuth:
    wire.answer_with(answer(200, GIVEN))
    return AmazonAuth(config(wire.url))


def test_the_seller_is_sent_to_the_consent_page_of_the_region(auth: AmazonAuth) -> None:
    urls = {region: auth.authorize_url(state="s/1", redirect_uri=BACK, region=region) for region in ("na", "eu", "AU")}

    assert {region: urlsplit(url).netloc for region, url in urls.items()} == {
        "na": "sellercentral.amazon.com",
        "eu": "sellercentral-europe.amazon.com",
        "AU": "sellercentral.amazon.com.au",
    }
    assert urlsplit(urls["eu"]).path == "/apps/authorize/consent"
    assert dict(parse_qsl(urlsplit(urls["eu"]).query)) == {
        "application_id": "amzn1.sp.solution.test",
        "state": "s/1",
        "redirect_uri": BACK,
    }


def test_a_draft_application_asks_for_its_beta_version(wire: Wire) -> None:
    auth = AmazonAuth(replace(config(wire.url), draft=True))

    assert "version=beta" in auth.authorize_url(state="s", redirect_uri=BACK, region="na")


def test_the_consent_page_may_be_elsewhere(wire: Wire) -> None:
    auth = AmazonAuth(replace(config(wire.url), seller_central=f"{wire.url}/sellercentral/{{region}}"))

    url = auth.authorize_url(state="s", redirect_uri=BACK, region="eu")

    assert url.startswith(f"{wire.url}/sellercentral/eu/apps/authorize/consent?")


@pytest.mark.parametrize("site", sites.SITES, ids=lambda site: site.code)
def test_every_site_has_a_consent_page(auth: AmazonAuth, site: sites.AmazonSite) -> None:
    assert urlsplit(auth.authorize_url(state="s", redirect_uri=BACK, region=site.code)).netloc.startswith(
        "sellercentral"
    )


def test_the_code_becomes_the_sellers_tokens(auth: AmazonAuth, wire: Wire) -> None:
    before = datetime.now(UTC)

    grant = auth.exchange(query=CALLBACK, redirect_uri=BACK)

    assert (grant.key, grant.access_token, grant.refresh_token) == ("A1FICTIVE", "Atza|access", "Atzr|refresh")
    assert grant.access_expires_at is not None
    assert grant.refresh_expires_at is not None
    assert timedelta(0) <= grant.access_expires_at - before - timedelta(hours=1) < timedelta(seconds=5)
    assert timedelta(0) <= grant.refresh_expires_at - before - timedelta(days=365) < timedelta(seconds=5)
    assert wire.asked[0].path == "/auth/o2/token"
    assert wire.asked[0].form == {
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": BACK,
        "client_id": "amzn1.application-oa2-client.test",
        "client_secret": "client-secret",
    }


@pytest.mark.parametrize("missing", ["selling_partner_id", "spapi_oauth_code"])
def test_a_return_that_is_not_complete_is_refused(auth: AmazonAuth, wire: Wire, missing: str) -> None:
    query = {key: value for key, value in CALLBACK.items() if key != missing}

    with pytest.raises(Rejected, match="connect again"):
        auth.exchange(query=query, redirect_uri=BACK)

    assert wire.asked == []


def test_a_seller_who_said_no_is_told_so(auth: AmazonAuth) -> None:
    with pytest.raises(Rejected, match="declined"):
        auth.exchange(query={"error": "access_denied", "state": "s"}, redirect_uri=BACK)


def test_a_code_too_old_is_a_sentence(auth: AmazonAuth, wire: Wire) -> None:
    wire.answer_with(answer(400, {"error": "invalid_grant", "error_description": "The request has expired"}))

    with pytest.raises(Rejected, match="older than five minutes"):
        auth.exchange(query=CALLBACK, redirect_uri=BACK)


def test_refreshing_keeps_the_refresh_token(auth: AmazonAuth, wire: Wire) -> None:
    wire.answer_with(answer(200, {"access_token": "Atza|next", "token_type": "bearer", "expires_in": 3600}))

    grant = auth.refresh("Atzr|refresh", key="A1FICTIVE")

    assert (grant.key, grant.access_token, grant.refresh_token) == ("A1FICTIVE", "Atza|next", "Atzr|refresh")
    assert grant.refresh_expires_at is None
    assert wire.asked[0].form["grant_type"] == "refresh_token"


def test_a_seller_who_withdrew_must_agree_again(auth: AmazonAuth, wire: Wire) -> None:
    wire.answer_with(answer(400, {"error": "invalid_grant", "error_description": "revoked"}))

    with pytest.raises(AuthorizationExpired):
        auth.refresh("Atzr|refresh", key="A1FICTIVE")


@pytest.mark.parametrize(("status", "error"), [(401, "invalid_client"), (400, "unauthorized_client")])
def test_our_own_secret_refused_is_not_the_sellers_fault(auth: AmazonAuth, wire: Wire, status: int, error: str) -> None:
    wire.answer_with(answer(status, {"error": error, "error_description": "Client authentication failed"}))

    with pytest.raises(UnexpectedReply, match="our application's own id or secret"):
        auth.refresh("Atzr|refresh")


def test_while_the_secret_rotates_the_next_one_is_tried(wire: Wire) -> None:
    auth = AmazonAuth(replace(config(wire.url), next_client_secret="next-secret"))
    wire.answer_with(answer(401, {"error": "invalid_client"}), answer(200, GIVEN))

    auth.refresh("Atzr|refresh")

    assert [asked.form["client_secret"] for asked in wire.asked] == ["client-secret", "next-secret"]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(drop, id="dropped"),
        pytest.param(answer(500, {"error": "server_error"}), id="500"),
        pytest.param(answer(503, raw=b"<html></html>"), id="503"),
        pytest.param(answer(200, raw=b"<html></html>"), id="HTML"),
        pytest.param(answer(200, []), id="a list"),
        pytest.param(answer(200, {"token_type": "bearer"}), id="no token"),
        pytest.param(answer(400, {"error": "server_error"}), id="server_error"),
    ],
)
def test_no_answer_never_asks_the_seller_to_reconnect(auth: AmazonAuth, wire: Wire, step: object) -> None:
    wire.answer_with(step)  # type: ignore[arg-type]

    with pytest.raises(TransientError):
        auth.refresh("Atzr|refresh")


def test_a_link_from_the_app_store_goes_back_to_seller_central(auth: AmazonAuth) -> None:
    query = {
        "amazon_callback_uri": "https://sellercentral.amazon.com/apps/authorize/confirm/amzn1.sp.solution.test",
        "amazon_state": "amazon-state",
        "selling_partner_id": "A1FICTIVE",
    }

    url = urlsplit(auth.appstore_url(query=query, state="s", redirect_uri=BACK))

    assert (url.netloc, url.path) == (
        "sellercentral.amazon.com",
        "/apps/authorize/confirm/amzn1.sp.solution.test",
    )
    assert dict(parse_qsl(url.query)) == {"amazon_state": "amazon-state", "state": "s", "redirect_uri": BACK}


@pytest.mark.parametrize(
    "callback",
    [
        "https://sellercentral.amazon.com.attacker.example/confirm",
        "https://sellercentral.amazon.com@attacker.example/confirm",
        "http://sellercentral.amazon.com/confirm",
        "javascript:alert(1)",
        "",
    ],
)
def test_a_link_that_leads_elsewhere_is_refused(auth: AmazonAuth, callback: str) -> None:
    with pytest.raises(Rejected, match="did not come from Amazon"):
        auth.appstore_url(query={"amazon_callback_uri": callback}, state="s", redirect_uri=BACK)


def test_our_own_token_is_asked_for_once_and_again_when_refused(auth: AmazonAuth, wire: Wire) -> None:
    tokens = AppTokens(auth)
    wire.answer_with(answer(200, {**GIVEN, "access_token": "one"}), answer(200, {**GIVEN, "access_token": "two"}))

    first, second = tokens.current(), tokens.current()
    tokens.refused("one")
    tokens.refused("a token of before")
    third = tokens.current()

    assert [first, second, third] == ["one", "one", "two"]
    assert len(wire.asked) == 2


def test_our_own_token_is_renewed_ahead_of_its_end(auth: AmazonAuth, wire: Wire) -> None:
    tokens = AppTokens(auth)
    wire.answer_with(answer(200, {**GIVEN, "expires_in": 0}))

    tokens.current()
    tokens.current()

    assert len(wire.asked) == 2


def test_no_secret_reaches_a_log_or_a_repr(auth: AmazonAuth, everything_logged: Callable[[], str]) -> None:
    grant = auth.exchange(query=CALLBACK, redirect_uri=BACK)
    auth.refresh(grant.refresh_token)

    shown = everything_logged() + repr(auth.config)

    assert "refreshToken" in shown
    for secret in ("client-secret", "code-1", "Atza|access", "Atzr|refresh"):
        assert secret not in shown
