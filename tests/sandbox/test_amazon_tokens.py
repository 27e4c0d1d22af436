"""Login with Amazon and Seller Central's consent page."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.sandbox.conftest import Seller

CALLBACK = f"{os.environ['SALESTIO_WEB_URL']}/amazon/callback"


def consent_url(seller: Seller, region: str = "na", **query: str) -> str:
    given = {"application_id": seller.app["application_id"], "state": "s1", "redirect_uri": CALLBACK} | query
    request = requests.Request(
        "GET", f"{seller.sandbox.url}/amazon/sellercentral/{region}/apps/authorize/consent", params=given
    )
    return str(request.prepare().url)


def agree(seller: Seller, key: str, *, answer: str = "approve", region: str = "na") -> dict[str, str]:
    """Go through the consent page as a browser does; returns what the browser brings back."""
    browser = requests.Session()
    url = consent_url(seller, region)
    page = browser.get(url, timeout=10)
    assert page.status_code == 200 and key in page.text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf
    form = {"csrf": csrf[1], "seller": key, "answer": answer}
    back = browser.post(url, data=form, allow_redirects=False, timeout=10)
    assert back.status_code == 302, back.text
    location = urlsplit(back.headers["Location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == CALLBACK
    return {name: values[0] for name, values in parse_qs(location.query).items()}


def exchange(seller: Seller, code: str) -> requests.Response:
    return seller.lwa(grant_type="authorization_code", code=code, redirect_uri=CALLBACK)


def test_a_seller_who_never_agreed_can_be_connected(seller: Seller) -> None:
    brought = agree(seller, "A5FIELDNOTESNA")
    assert brought["state"] == "s1" and brought["selling_partner_id"] == "A5FIELDNOTESNA"

    granted = exchange(seller, brought["spapi_oauth_code"]).json()

    assert granted["token_type"] == "bearer" and granted["expires_in"] == 3600
    assert granted["access_token"].startswith("Atza|") and granted["refresh_token"].startswith("Atzr|")
    sites = seller.call("GET", "/sellers/v1/marketplaceParticipations", token=granted["access_token"]).json()["payload"]
    assert [row["marketplace"]["countryCode"] for row in sites] == ["US", "CA"]
    seller.sandbox.control("POST", "/accounts/amazon/A5FIELDNOTESNA/revoke", {})


def test_a_code_works_once(seller: Seller) -> None:
    code = agree(seller, "A5FIELDNOTESNA")["spapi_oauth_code"]

    assert exchange(seller, code).status_code == 200
    again = exchange(seller, code)

    assert again.status_code == 400 and again.json()["error"] == "invalid_grant"


def test_a_code_is_good_for_five_minutes(seller: Seller) -> None:
    code = agree(seller, "A5FIELDNOTESNA")["spapi_oauth_code"]
    seller.sandbox.control("POST", "/clock", {"advance_seconds": 301})

    assert exchange(seller, code).json()["error"] == "invalid_grant"


def test_a_seller_who_says_no_sends_an_error_back(seller: Seller) -> None:
    brought = agree(seller, "A5FIELDNOTESNA", answer="deny")

    assert brought["error"] == "access_denied" and "spapi_oauth_code" not in brought


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"application_id": "amzn1.sp.solution.other"}, "application_id"),
        ({"state": ""}, "state"),
        ({"redirect_uri": "https://elsewhere.example/callback"}, "redirect_uri"),
    ],
)
def test_consent_is_refused_for_a_request_that_is_not_ours(seller: Seller, change: dict[str, str], named: str) -> None:
    page = requests.get(consent_url(seller, **change), timeout=10)

    assert page.status_code == 400 and named in page.text and "Approve" not in page.text


def test_consent_cannot_be_posted_from_another_site(seller: Seller) -> None:
    form = {"seller": "A5FIELDNOTESNA", "answer": "approve", "csrf": "guessed"}

    assert requests.post(consent_url(seller), data=form, timeout=10).status_code == 403


def test_agreeing_again_replaces_the_refresh_token(seller: Seller) -> None:
    old = seller.sandbox.control("GET", "/endpoints")["clients"]["amazon"]["refresh_tokens"]["A1NORTHPINEUS"]

    new = exchange(seller, agree(seller, "A1NORTHPINEUS")["spapi_oauth_code"]).json()["refresh_token"]

    assert seller.lwa(grant_type="refresh_token", refresh_token=old).json()["error"] == "invalid_grant"
    assert seller.lwa(grant_type="refresh_token", refresh_token=new).status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "refresh_token", "refresh_token": "Atzr|made-up"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "ANmadeup"}, 400, "invalid_grant"),
        ({"grant_type": "client_credentials", "scope": "everything"}, 400, "invalid_scope"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "client_secret": "wrong"}, 401, "invalid_client"),
    ],
)
def test_login_with_amazon_says_what_is_wrong_in_its_own_shape(
    seller: Seller, form: dict[str, str], status: int, error: str
) -> None:
    answer = seller.lwa(**form)

    assert answer.status_code == status
    assert answer.json()["error"] == error and answer.json()["error_description"]


def test_an_access_token_ends_after_an_hour(seller: Seller) -> None:
    assert seller.search().status_code == 200
    seller.sandbox.control("POST", "/clock", {"advance_seconds": 3601})

    refused = seller.search()

    assert refused.status_code == 403
    assert refused.json()["errors"][0]["code"] == "Unauthorized"
    assert "has expired" in refused.json()["errors"][0]["details"]


def test_a_seller_who_withdraws_ends_both_tokens(outlet: Seller) -> None:
    amazon: dict[str, Any] = outlet.sandbox.control("GET", "/endpoints")["clients"]["amazon"]
    refresh = amazon["refresh_tokens"][outlet.key]

    outlet.sandbox.control("POST", f"/accounts/amazon/{outlet.key}/revoke", {})

    assert outlet.search().status_code == 403
    assert outlet.lwa(grant_type="refresh_token", refresh_token=refresh).json()["error"] == "invalid_grant"
    exchange(outlet, agree(outlet, outlet.key)["spapi_oauth_code"])
    outlet.sign_in()
    assert outlet.search().status_code == 200


def test_no_token_a_made_up_token_and_another_region_are_refused(seller: Seller) -> None:
    path = "/sellers/v1/marketplaceParticipations"

    assert "missing" in seller.call("GET", path, token="").json()["errors"][0]["details"]
    assert "malformed" in seller.call("GET", path, token="Atza|x").json()["errors"][0]["details"]
    elsewhere = requests.get(
        f"{seller.sandbox.url}/amazon/eu{path}", headers={"x-amz-access-token": seller.token}, timeout=10
    )
    assert elsewhere.status_code == 403
