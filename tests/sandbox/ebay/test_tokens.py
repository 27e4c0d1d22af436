"""Consent, tokens, and who may do what."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.sandbox.ebay.conftest import CLIENT, LUMEN, NEWCOMER, RU_NAME, SCOPE, SECRET, Seller, Served, basic

ASKED = f"{SCOPE} {SCOPE}/sell.fulfillment {SCOPE}/commerce.identity.readonly"


def consent(served: Served, **changed: str) -> str:
    query = {"client_id": CLIENT, "redirect_uri": RU_NAME, "response_type": "code", "scope": ASKED, "state": "s&t=1"}
    return (
        requests.Request("GET", f"{served.url}/ebay/auth/oauth2/authorize", params=query | changed).prepare().url or ""
    )


def decide(served: Served, url: str, seller: str, answer: str = "agree") -> dict[str, str]:
    """Open the page, answer it as a browser does, and return what the product is told."""
    browser = requests.Session()
    page = browser.get(url, timeout=10)
    assert page.status_code == 200, page.text
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert token is not None
    form = {"csrf": token[1], "seller": seller, "answer": answer}
    reply = browser.post(url, data=form, allow_redirects=False, timeout=10)
    assert reply.status_code == 302, reply.text
    location = urlsplit(reply.headers["Location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == f"{served.web_url}/connect/ebay/callback"
    return {name: values[0] for name, values in parse_qs(location.query).items()}


def test_a_seller_agrees_and_the_code_becomes_tokens(fresh: Served, seller: Seller) -> None:
    told = decide(fresh, consent(fresh), NEWCOMER)
    answer = seller.grant(grant_type="authorization_code", code=told["code"], redirect_uri=RU_NAME)
    tokens = answer.json()
    newcomer = Seller(fresh, NEWCOMER, seller.official, token=tokens["access_token"])

    assert told["state"] == "s&t=1" and told["expires_in"] == "299"
    assert set("^#") <= set(told["code"]), "codes hold signs that must be encoded"
    assert (tokens["expires_in"], tokens["refresh_token_expires_in"]) == (7200, 47304000)
    assert tokens["token_type"] == "User Access Token"
    user = newcomer.call("GET", "/commerce/identity/v1/user/", host="apiz").json()
    assert user["userId"] == NEWCOMER and user["username"] != NEWCOMER


def test_a_code_works_once_and_not_for_long(fresh: Served, seller: Seller) -> None:
    used, late = decide(fresh, consent(fresh), LUMEN)["code"], decide(fresh, consent(fresh), LUMEN)["code"]
    first = seller.grant(grant_type="authorization_code", code=used, redirect_uri=RU_NAME)
    again = seller.grant(grant_type="authorization_code", code=used, redirect_uri=RU_NAME)
    fresh.advance(seconds=300)
    after = seller.grant(grant_type="authorization_code", code=late, redirect_uri=RU_NAME)

    assert first.status_code == 200
    assert [answer.json()["error"] for answer in (again, after)] == ["invalid_grant", "invalid_grant"]


def test_a_seller_who_does_not_agree_sends_back_an_error(fresh: Served) -> None:
    told = decide(fresh, consent(fresh), NEWCOMER, "decline")

    assert told["error"] == "access_denied" and told["state"] == "s&t=1" and "code" not in told


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "another"},
        {"redirect_uri": "http://127.0.0.1/steal"},
        {"response_type": "token"},
        {"scope": "all"},
    ],
)
def test_a_wrong_request_for_consent_never_leaves_ebay(fresh: Served, changed: dict[str, str]) -> None:
    page = requests.get(consent(fresh, **changed), timeout=10, allow_redirects=False)

    assert page.status_code == 400 and "cannot be granted" in page.text and "<form" not in page.text


def test_a_forged_answer_to_the_consent_page_is_refused(fresh: Served) -> None:
    form = {"csrf": "made-up", "seller": LUMEN, "answer": "agree"}

    assert requests.post(consent(fresh), data=form, timeout=10, allow_redirects=False).status_code == 403


def test_refreshing_keeps_the_refresh_token_and_may_ask_for_less(fresh: Served, seller: Seller) -> None:
    refresh = fresh.run(fresh.control.client)["refresh_tokens"][LUMEN]
    less = seller.grant(grant_type="refresh_token", refresh_token=refresh, scope=f"{SCOPE}/commerce.identity.readonly")
    limited = Seller(fresh, LUMEN, seller.official, token=less.json()["access_token"])

    assert "refresh_token" not in less.json()
    assert limited.call("GET", "/commerce/identity/v1/user/", host="apiz").status_code == 200
    refused = limited.search()
    assert (refused.status_code, refused.json()["errors"][0]["errorId"]) == (403, 1100)


def test_an_access_token_ends_after_two_hours_and_a_refresh_token_after_eighteen_months(
    fresh: Served, seller: Seller
) -> None:
    refresh = fresh.run(fresh.control.client)["refresh_tokens"][LUMEN]
    fresh.advance(seconds=7199)
    assert seller.search().status_code == 200
    fresh.advance(seconds=2)
    ended = seller.search()
    fresh.advance(seconds=47304000)
    dead = seller.grant(grant_type="refresh_token", refresh_token=refresh)

    assert (ended.status_code, ended.json()["errors"][0]["errorId"]) == (401, 1001)
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")


def test_a_seller_who_withdraws_ends_everything(fresh: Served, seller: Seller) -> None:
    refresh = fresh.run(fresh.control.client)["refresh_tokens"][LUMEN]
    fresh.run(fresh.control.revoke, LUMEN)

    assert seller.search().status_code == 401
    assert seller.grant(grant_type="refresh_token", refresh_token=refresh).json()["error"] == "invalid_grant"
    assert not fresh.run(fresh.control.seller, LUMEN)["connected"]
    fresh.run(fresh.control.ebay.new_refresh_token, LUMEN)


@pytest.mark.parametrize("headers", [{}, basic(password="wrong"), {"Authorization": "Basic ???"}, basic(user="x")])
def test_the_token_endpoint_knows_its_applications(seller: Seller, headers: dict[str, str]) -> None:
    answer = seller.grant(headers, grant_type="client_credentials", scope=SCOPE)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({}, "invalid_request"),
        ({"grant_type": "client_credentials", "scope": f"{SCOPE}/sell.fulfillment"}, "invalid_scope"),
        ({"grant_type": "refresh_token", "refresh_token": "made-up"}, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "made-up", "redirect_uri": RU_NAME}, "invalid_grant"),
        ({"grant_type": "authorization_code", "redirect_uri": RU_NAME}, "invalid_request"),
    ],
)
def test_what_the_token_endpoint_refuses(seller: Seller, form: dict[str, str], error: str) -> None:
    answer = seller.grant(**form)

    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_the_kind_of_token_must_fit_the_call(seller: Seller) -> None:
    def refused(**options: Any) -> tuple[int, int]:
        answer = seller.call("GET", options.pop("path", "/sell/fulfillment/v1/order"), **options)
        return answer.status_code, answer.json()["errors"][0]["errorId"]

    assert refused(token=seller.app_token()) == (403, 1100)
    assert refused(path="/commerce/notification/v1/topic") == (403, 1100)
    assert refused(token="") == (401, 1002)
    assert refused(token="made-up") == (401, 1001)
    assert refused(headers={"Authorization": f"IAF {seller.token}"}) == (401, 1003)


def test_the_post_order_api_wants_another_scheme(seller: Seller) -> None:
    path = "/post-order/v2/cancellation/search"

    assert seller.call("GET", path).status_code == 200
    assert seller.call("GET", path, headers={"Authorization": f"Bearer {seller.token}"}).status_code == 401
