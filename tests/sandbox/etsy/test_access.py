"""Who may call: the app's key with its secret, consent with PKCE, tokens that rotate, scopes."""

from __future__ import annotations

import pytest
import requests

from tests.sandbox.etsy.conftest import HARBOUR, KEYSTRING, LUMEN, NEWCOMER, SCOPES, SECRET, Consent, Served, Shop


def exchange(shop: Shop, consent: Consent, code: str, **changes: str) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": f"{shop.served.web_url}/connect/etsy/callback",
        "code_verifier": consent.verifier,
    }
    return shop.grant(**{**form, **changes})


# ── the app's key ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_without_its_secret_is_refused_in_etsys_words(lumen: Shop) -> None:
    answer = lumen.call("GET", "/users/me", headers={"x-api-key": KEYSTRING})

    assert answer.status_code == 403
    assert answer.json() == {"error": "Shared secret is required in x-api-key header."}


@pytest.mark.parametrize("key", ["", "wrong", f"{KEYSTRING}:wrong", f"wrong:{SECRET}", f"{KEYSTRING}:"])
def test_any_other_key_is_refused(lumen: Shop, key: str) -> None:
    assert lumen.call("GET", f"/shops/{LUMEN}/receipts", headers={"x-api-key": key}).status_code == 403


def test_a_good_key_is_enough_for_what_is_public(lumen: Shop) -> None:
    lumen.token = ""

    assert lumen.call("GET", "/openapi-ping").json()["application_id"] > 0
    assert lumen.call("GET", f"/shops/{LUMEN}").json()["currency_code"] == "EUR"
    assert lumen.call("GET", f"/shops/{LUMEN}/receipts").status_code == 401


# ── consent ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_shop_that_never_agreed_can_be_connected(lumen: Shop, consent: Consent) -> None:
    brought = consent.agree(NEWCOMER)
    assert brought["state"] == "st4te"
    granted = exchange(lumen, consent, brought["code"]).json()

    assert granted["token_type"] == "Bearer" and granted["expires_in"] == 3600
    newcomer = Shop(lumen.served, NEWCOMER, lumen.official, token=granted["access_token"])
    me = newcomer.call("GET", "/users/me").json()
    assert me["shop_id"] == int(NEWCOMER)
    assert granted["access_token"].startswith(f"{me['user_id']}.")
    assert granted["refresh_token"].startswith(f"{me['user_id']}.")
    assert sorted(newcomer.call("POST", "/scopes", data={"token": newcomer.token}, checked=False).json()["scopes"]) == (
        sorted(SCOPES.split())
    )
    lumen.served.run(lumen.served.control.revoke, NEWCOMER)


def test_a_seller_may_say_no(consent: Consent) -> None:
    brought = consent.agree(NEWCOMER, answer="deny")

    assert brought["error"] == "access_denied" and brought["state"] == "st4te" and "code" not in brought


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"client_id": "somebody"}, "client_id"),
        ({"response_type": "token"}, "response_type"),
        ({"redirect_uri": "http://elsewhere.example/callback"}, "https"),
        ({"redirect_uri": "https://elsewhere.example/callback"}, "not registered"),
        ({"state": ""}, "state"),
        ({"scope": ""}, "scope"),
        ({"scope": "transactions_r everything"}, "scope"),
        ({"code_challenge": ""}, "code_challenge"),
        ({"code_challenge_method": "plain"}, "S256"),
    ],
)
def test_a_request_for_consent_that_lacks_something_is_shown_as_such(
    consent: Consent, changes: dict[str, str], named: str
) -> None:
    page = consent.open(**changes)

    assert page.status_code == 400 and "cannot be granted" in page.text and named in page.text


def test_the_form_cannot_be_sent_from_another_page(consent: Consent) -> None:
    url = f"{consent.served.url}/etsy/site/oauth/connect"
    form = {"shop": NEWCOMER, "answer": "approve"}

    assert requests.post(url, params=consent.query(), data=form, timeout=10).status_code == 403


def test_a_code_works_once_and_only_with_its_verifier(lumen: Shop, consent: Consent) -> None:
    code = consent.agree(NEWCOMER)["code"]
    wrong = exchange(lumen, consent, code, code_verifier="x" * 43)
    assert wrong.status_code == 400 and wrong.json()["error"] == "invalid_grant"
    assert exchange(lumen, consent, code).status_code == 400

    code = consent.agree(NEWCOMER)["code"]
    assert exchange(lumen, consent, code).status_code == 200
    assert exchange(lumen, consent, code).json()["error"] == "invalid_grant"
    lumen.served.run(lumen.served.control.revoke, NEWCOMER)


def test_a_code_is_good_for_its_own_address_and_for_a_minute(lumen: Shop, consent: Consent) -> None:
    code = consent.agree(NEWCOMER)["code"]
    assert exchange(lumen, consent, code, redirect_uri="https://elsewhere.example/").json()["error"] == "invalid_grant"

    code = consent.agree(NEWCOMER)["code"]
    lumen.served.run(lumen.served.core.world.advance, 61)
    assert exchange(lumen, consent, code).json()["error"] == "invalid_grant"


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_refresh_ends_the_old_refresh_token(lumen: Shop) -> None:
    first = lumen.refresh
    granted = lumen.grant(grant_type="refresh_token", refresh_token=first).json()

    again = lumen.grant(grant_type="refresh_token", refresh_token=first)
    assert again.status_code == 400
    assert again.json() == {"error": "invalid_grant", "error_description": "refresh_token is revoked"}
    assert lumen.grant(grant_type="refresh_token", refresh_token=granted["refresh_token"]).status_code == 200
    assert lumen.call("GET", "/users/me").status_code == 200


def test_the_token_endpoint_takes_json_too(lumen: Shop) -> None:
    url = f"{lumen.served.url}/etsy/v3/public/oauth/token"
    body = {"grant_type": "refresh_token", "client_id": KEYSTRING, "refresh_token": lumen.refresh}

    assert requests.post(url, json=body, timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "word"),
    [
        ({"client_id": "somebody"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"refresh_token": "123.nonsense"}, 400, "invalid_grant"),
    ],
)
def test_a_wrong_request_for_a_token_is_refused(lumen: Shop, form: dict[str, str], status: int, word: str) -> None:
    answer = lumen.grant(**{"grant_type": "refresh_token", "refresh_token": lumen.refresh, **form})

    assert (answer.status_code, answer.json()["error"]) == (status, word)


def test_an_access_token_lives_an_hour_and_a_refresh_token_ninety_days(lumen: Shop) -> None:
    lumen.served.run(lumen.served.core.world.advance, 3601)
    expired = lumen.call("GET", "/users/me")
    assert expired.status_code == 401
    assert expired.json() == {"error": "invalid_token", "error_description": "access token is expired"}
    assert lumen.grant(grant_type="refresh_token", refresh_token=lumen.refresh).status_code == 200

    lumen.refresh = lumen.served.run(lumen.served.control.client)["refresh_tokens"][LUMEN]
    lumen.served.run(lumen.served.core.world.advance, 90 * 86400)
    late = lumen.grant(grant_type="refresh_token", refresh_token=lumen.refresh)
    assert late.json() == {"error": "invalid_grant", "error_description": "refresh_token is expired"}


def test_a_seller_who_withdraws_ends_every_token(served: Served, lumen: Shop, consent: Consent) -> None:
    shop = Shop(served, served.run(served.control.add, "94000001", {})["key"], lumen.official)
    shop.sign_in()
    served.run(served.control.revoke, shop.key)

    assert shop.call("GET", "/users/me").status_code == 401
    assert shop.grant(grant_type="refresh_token", refresh_token=shop.refresh).json()["error"] == "invalid_grant"
    assert served.run(served.control.seller, shop.key)["connected"] is False
    assert exchange(shop, consent, consent.agree(shop.key)["code"]).status_code == 200
    assert served.run(served.control.seller, shop.key)["connected"] is True
    shop.sign_in()
    assert shop.call("GET", "/users/me").status_code == 200


def test_every_scope_an_operation_declares_is_asked_for(lumen: Shop, consent: Consent) -> None:
    key = lumen.served.run(lumen.served.control.add, "94000002", {})["key"]
    granted = exchange(lumen, consent, consent.agree(key, scope="listings_r")["code"]).json()
    reader = Shop(lumen.served, key, lumen.official, token=granted["access_token"])
    (receipt_id,) = reader.place()

    assert reader.call("GET", f"/shops/{key}/listings").status_code == 200
    for method, path in (
        ("GET", "/users/me"),
        ("GET", f"/shops/{key}/receipts"),
        ("GET", f"/shops/{key}/receipts/{receipt_id}"),
        ("GET", f"/shops/{key}/receipts/{receipt_id}/payments"),
        ("GET", f"/shops/{key}/receipts/{receipt_id}/transactions"),
        ("POST", f"/shops/{key}/receipts/{receipt_id}/tracking"),
    ):
        answer = reader.call(method, path)
        assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope"), path


def test_tokens_survive_a_reset(served: Served, harbour: Shop) -> None:
    served.reset()

    assert harbour.call("GET", "/users/me").json()["shop_id"] == int(HARBOUR)
    assert harbour.grant(grant_type="refresh_token", refresh_token=harbour.refresh).status_code == 200
