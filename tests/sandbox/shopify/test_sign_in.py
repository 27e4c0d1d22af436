"""Installing, tokens and session tokens, checked with Shopify's own Python package where it can."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import requests
from shopify import session_token
from shopify.session import Session

from tests.sandbox.shopify.conftest import SHOP, Shop

NEWCOMER = "fieldnotes-goods.myshopify.com"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def genuine(shop: Shop, location: str) -> dict[str, str]:
    """Return a redirect's query after checking its signature with ShopifyAPI."""
    query = dict(parse_qsl(urlsplit(location).query))
    signer: Any = type("Signer", (Session,), {"secret": shop.client["client_secret"]})
    assert signer.validate_hmac(dict(query))
    return query


def token(shop: Shop, domain: str = SHOP, **form: str) -> requests.Response:
    secret = {"client_id": shop.client["client_id"], "client_secret": shop.client["client_secret"]}
    return requests.post(
        f"{shop.sandbox.url}/shopify/{domain}/admin/oauth/access_token", data={**secret, **form}, timeout=10
    )


def consent(shop: Shop, answer: str, domain: str = SHOP, **change: str) -> requests.Response:
    """Open the consent page and press one of its buttons."""
    callback = f"{_web(shop)}/shopify/callback"
    query = {
        "client_id": shop.client["client_id"],
        "scope": "read_products,write_orders",
        "redirect_uri": callback,
        "state": "s 1",
        **change,
    }
    url = f"{shop.sandbox.url}/shopify/{domain}/admin/oauth/authorize"
    page = requests.get(url, params=query, timeout=10)
    if page.status_code != 200:
        return page
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    form = {name: html.unescape(value) for name, value in form.items()}
    return requests.post(url, data={**form, "answer": answer}, allow_redirects=False, timeout=10)


def _web(shop: Shop) -> str:
    """The app's own address, as the app store's Install button leads to it."""
    url = f"{shop.sandbox.url}/shopify/app-store/{SHOP}/install"
    location = requests.get(url, allow_redirects=False, timeout=10).headers["Location"]
    return location.partition("/shopify/")[0]


def test_the_install_button_opens_the_app_with_a_signed_query(shop: Shop) -> None:
    # A test of the product's own may have installed the app there; apps stay over a reset.
    shop.sandbox.control("POST", f"/stores/{NEWCOMER}/uninstall", {})
    page = requests.get(f"{shop.sandbox.url}/shopify/app-store", timeout=10).text
    assert f"/shopify/app-store/{NEWCOMER}/install" in page
    url = f"{shop.sandbox.url}/shopify/app-store/{NEWCOMER}/install"
    answer = requests.get(url, allow_redirects=False, timeout=10)
    query = genuine(shop, answer.headers["Location"])
    assert urlsplit(answer.headers["Location"]).path == "/shopify/install"
    assert (query["shop"], set(query)) == (NEWCOMER, {"shop", "host", "hmac", "timestamp"})


def test_consent_gives_a_signed_code_that_works_once_for_an_expiring_token(shop: Shop) -> None:
    query = genuine(shop, consent(shop, "install").headers["Location"])
    assert query["state"] == "s 1"
    refused = token(shop, code=query["code"])
    assert refused.status_code == 400, "an app of today must ask for expiring tokens"
    given = token(shop, code=query["code"], expiring="1").json()
    assert (given["expires_in"], given["scope"]) == (3600, "read_products,write_orders")
    assert given["refresh_token"]
    assert token(shop, code=query["code"], expiring="1").status_code == 400
    shop.token = given["access_token"]
    assert shop.run("{ shop { name } }")["shop"]["name"] == "Northpine Supply"


def test_cancel_on_the_consent_page_gives_no_code(shop: Shop) -> None:
    answer = consent(shop, "cancel")
    assert "code=" not in answer.headers["Location"]


@pytest.mark.parametrize(
    "change", [{"client_id": "other"}, {"redirect_uri": "https://evil.example/callback"}, {"scope": "everything"}]
)
def test_a_consent_page_with_wrong_parameters_is_refused(shop: Shop, change: dict[str, str]) -> None:
    assert consent(shop, "install", **change).status_code == 400


def test_a_form_without_our_token_or_from_elsewhere_is_refused(shop: Shop) -> None:
    url = f"{shop.sandbox.url}/shopify/{SHOP}/admin/settings"
    assert requests.post(url, data={"plan": "plus"}, timeout=10).status_code == 403
    page = requests.get(url, timeout=10).text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf is not None
    form = {"csrf": csrf.group(1), "plan": "plus", "id_metafield": "ignore"}
    assert requests.post(url, data=form, headers={"Origin": "https://evil.example"}, timeout=10).status_code == 403
    assert requests.post(url, data=form, allow_redirects=False, timeout=10).status_code == 302


def test_the_old_refresh_token_lives_until_the_new_access_token_is_used(shop: Shop) -> None:
    old = shop.client["tokens"][SHOP]["refresh_token"]
    first = token(shop, grant_type="refresh_token", refresh_token=old).json()
    second = token(shop, grant_type="refresh_token", refresh_token=old)
    assert second.status_code == 200, "nobody used the first answer yet"
    shop.token = first["access_token"]
    shop.run("{ shop { name } }")
    assert token(shop, grant_type="refresh_token", refresh_token=old).json()["error"] == "invalid_grant"


def test_an_access_token_ends_after_an_hour_with_a_401(shop: Shop) -> None:
    shop.sandbox.control("POST", "/clock", {"advance_seconds": 3601})
    answer = shop.post("{ shop { name } }")
    assert answer.status_code == 401
    assert "Invalid API key or access token" in answer.json()["errors"]


def test_a_token_of_one_shop_opens_no_other(shop: Shop) -> None:
    shop.shop = "harbour-and-kiln.myshopify.com"
    assert shop.post("{ shop { name } }").status_code == 401


def test_the_frame_carries_a_session_token_that_shopifys_own_package_accepts_and_that_is_exchanged(shop: Shop) -> None:
    page = requests.get(f"{shop.sandbox.url}/shopify/{SHOP}/admin/apps/salestio", timeout=10)
    source = html.unescape(re.search(r'<iframe[^>]* src="([^"]+)"', page.text).group(1))  # type: ignore[union-attr]
    query = genuine(shop, source)
    assert query["embedded"] == "1"
    claims = session_token.decode_from_header(
        f"Bearer {query['id_token']}", shop.client["client_id"], shop.client["client_secret"]
    )
    assert claims["dest"] == f"https://{SHOP}"
    assert claims["exp"] - claims["iat"] == 60
    form = {
        "grant_type": EXCHANGE,
        "subject_token": query["id_token"],
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
        "expiring": "1",
    }
    assert token(shop, **form).json()["access_token"].startswith("shpat_")
    assert token(shop, "harbour-and-kiln.myshopify.com", **form).json()["error"] == "invalid_subject_token"
    forged = jwt.encode({**claims, "exp": claims["exp"] + 999}, "x" * 40, algorithm="HS256")
    assert token(shop, **{**form, "subject_token": forged}).status_code == 400


def test_session_tokens_are_handed_to_the_admins_own_script_only(shop: Shop) -> None:
    url = f"{shop.sandbox.url}/shopify/{SHOP}/admin/session-token"
    assert requests.get(url, timeout=10).status_code == 403
    cross = {"X-Sandbox-Frame": "1", "Sec-Fetch-Site": "cross-site"}
    assert requests.get(url, headers=cross, timeout=10).status_code == 403
    assert requests.get(url, headers={"X-Sandbox-Frame": "1"}, timeout=10).json()["token"]


def test_uninstalling_ends_the_tokens_and_the_shop_can_be_installed_again(shop: Shop) -> None:
    shop.sandbox.control("POST", f"/stores/{SHOP}/uninstall", {})
    assert shop.post("{ shop { name } }").status_code == 401
    assert SHOP not in shop.sandbox.control("GET", "/endpoints")["clients"]["shopify"]["tokens"]
    query = genuine(shop, consent(shop, "install").headers["Location"])
    shop.token = token(shop, code=query["code"], expiring="1").json()["access_token"]
    assert shop.run("{ currentAppInstallation { accessScopes { handle } } }")["currentAppInstallation"]["accessScopes"]


def test_a_missing_scope_is_access_denied(shop: Shop) -> None:
    query = genuine(shop, consent(shop, "install", scope="read_products").headers["Location"])
    shop.token = token(shop, code=query["code"], expiring="1").json()["access_token"]
    denied = shop.errors("{ locations(first: 1) { nodes { id } } }")
    assert denied[0]["extensions"]["code"] == "ACCESS_DENIED"
    assert "`read_locations`" in denied[0]["message"]
    assert shop.run("{ products(first: 1) { nodes { id } } }")["products"]["nodes"]
