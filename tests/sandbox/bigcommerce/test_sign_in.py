"""The single-click app: installing, opening, taking away; and which token may do what."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import requests

from tests.sandbox.bigcommerce.conftest import HASH, NEWCOMER, Receiver, Store


@pytest.fixture
def newcomer(store: Store) -> Any:
    """A store without the app; it has none again afterwards."""
    yield store
    store.sandbox.control("POST", f"/stores/{NEWCOMER}/uninstall", {})


def agreed(store: Store) -> dict[str, str]:
    """Agree to the app in the newcomer's store; returns what the callback is called with."""
    address = store.sandbox.control("POST", f"/stores/{NEWCOMER}/install", {})["callback"]
    parts = urlsplit(address)
    assert parts.path == "/bigcommerce/auth"
    return {**dict(parse_qsl(parts.query)), "redirect_uri": address.partition("?")[0]}


def exchange(store: Store, query: dict[str, str], **change: str) -> requests.Response:
    body = {
        "client_id": store.app["client_id"],
        "client_secret": store.app["client_secret"],
        "grant_type": "authorization_code",
        **{name: query[name] for name in ("code", "scope", "context", "redirect_uri")},
        **change,
    }
    return requests.post(f"{store.sandbox.url}/bigcommerce/login/oauth2/token", json=body, timeout=10)


def test_a_code_becomes_a_token_once(newcomer: Store) -> None:
    query = agreed(newcomer)
    assert query["context"] == f"stores/{NEWCOMER}"
    reply = exchange(newcomer, query)
    body = reply.json()
    assert body.keys() == {"access_token", "scope", "user", "owner", "context", "account_uuid"}
    assert (body["context"], body["account_uuid"]) == (query["context"], query["account_uuid"])
    other = Store(newcomer.sandbox, NEWCOMER, body["access_token"], newcomer.app, None)
    assert other.get("/v2/store")["id"] == NEWCOMER
    assert exchange(newcomer, query).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"redirect_uri": "https://elsewhere.example/auth"}, "redirect_uri_mismatch"),
        ({"context": f"stores/{HASH}"}, "invalid_grant"),
        ({"scope": "store_v2_orders"}, "invalid_scope"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    ],
)
def test_a_wrong_exchange_is_refused(newcomer: Store, change: dict[str, str], error: str) -> None:
    assert exchange(newcomer, agreed(newcomer), **change).json()["error"] == error


def test_a_code_is_good_for_a_minute(newcomer: Store) -> None:
    query = agreed(newcomer)
    newcomer.sandbox.control("POST", "/clock", {"advance_seconds": 90})
    assert exchange(newcomer, query).status_code == 400


def test_installing_again_replaces_the_token(newcomer: Store) -> None:
    first = exchange(newcomer, agreed(newcomer)).json()["access_token"]
    second = exchange(newcomer, agreed(newcomer)).json()["access_token"]
    other = Store(newcomer.sandbox, NEWCOMER, first, newcomer.app, None)
    assert other.call("GET", "/v2/time").status_code == 401
    assert other.call("GET", "/v2/time", token=second).ok


def test_a_token_is_of_one_store_and_without_one_nothing_is_answered(store: Store) -> None:
    elsewhere = Store(store.sandbox, NEWCOMER, store.token, store.app, None)
    reply = elsewhere.call("GET", "/v2/orders")
    assert (reply.status_code, reply.json()[0]["status"]) == (401, 401)
    reply = elsewhere.call("GET", "/v3/channels")
    assert (reply.status_code, reply.json()["status"]) == (401, 401)


def test_what_the_scopes_do_not_hold_is_forbidden(store: Store) -> None:
    reply = store.call("PUT", "/v3/settings/inventory", {"stock_level_display": "show"})
    assert reply.status_code == 403


def test_uninstalling_calls_the_app_and_ends_its_webhooks(store: Store, product: Receiver) -> None:
    exchanged = exchange(store, agreed(store)).json()["access_token"]
    other = Store(store.sandbox, NEWCOMER, exchanged, store.app, None)
    assert other.hook("store/app/uninstalled", f"{product.url}/hooks").ok
    store.sandbox.control("POST", f"/stores/{NEWCOMER}/uninstall", {})
    came = {method: path for method, path, _, _ in product.wait(2)}
    assert came["POST"] == "/hooks"
    claims = read(store, came["GET"], "/bigcommerce/uninstall")
    assert claims["sub"] == f"stores/{NEWCOMER}"
    assert other.call("GET", "/v2/time").status_code == 401


def read(store: Store, path: str, wanted: str) -> dict[str, Any]:
    """Return the claims of a callback's signed payload, verified as the app does it."""
    parts = urlsplit(path)
    assert parts.path == wanted
    signed = dict(parse_qsl(parts.query))["signed_payload_jwt"]
    app = store.app
    found: dict[str, Any] = jwt.decode(
        signed, app["client_secret"], algorithms=["HS256"], audience=app["client_id"], issuer="bc"
    )
    return found


def test_a_removed_user_is_told_to_the_app_and_cannot_open_it(store: Store, product: Receiver) -> None:
    staff = store.sandbox.control("POST", f"/stores/{HASH}/settings", {})["users"][1]
    store.sandbox.control("POST", f"/stores/{HASH}/remove-user", {"user": staff["id"]})
    claims = read(store, product.wait(1)[0][1], "/bigcommerce/remove-user")
    assert claims["user"]["id"] == staff["id"]
    page = requests.get(f"{store.sandbox.url}/bigcommerce/store-{HASH}/manage/app?user={staff['id']}", timeout=10)
    assert "may not open the app" in page.text

    store.sandbox.reset()

    again = requests.get(f"{store.sandbox.url}/bigcommerce/store-{HASH}/manage/app?user={staff['id']}", timeout=10)
    assert again.history == [] and "may not open the app" not in again.text


def test_withdrawn_access_is_a_401_and_the_app_stays_installed(store: Store) -> None:
    store.sandbox.control("POST", f"/stores/{HASH}/revoke", {})
    assert store.call("GET", "/v2/time").status_code == 401
    assert store.sandbox.control("POST", f"/stores/{HASH}/settings", {})["installed"] is True
