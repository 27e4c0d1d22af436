"""The cast of the account tests, browsers that are signed in, and a Shopify that signs as the real one does."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from django.conf import settings as django_settings
from django.test import Client

from accounts import connect, connections, credentials
from tests.factories import Cast, make_merchant

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _fresh_memory(settings: Any) -> Iterator[None]:
    """What a process keeps of tokens and clients must not pass from test to test. Passwords are hashed quickly."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    connections.forget_all()
    credentials.forget_all()
    connect._KNOWN.clear()  # ids begin again with each test's empty tables
    yield
    connections.forget_all()
    credentials.forget_all()


@pytest.fixture
def merchant(db: None) -> Cast:
    return make_merchant("Northpine Supply")


@pytest.fixture
def stranger(db: None) -> Cast:
    return make_merchant("Harbour & Kiln")


@pytest.fixture
def signed_in() -> Callable[[Cast], Client]:
    """A function that gives a browser in which the cast's owner is signed in."""

    def sign_in(cast: Cast) -> Client:
        client = Client()
        client.force_login(cast.user)
        return client

    return sign_in


def shopify_query(**query: str) -> dict[str, str]:
    """Return a query signed as Shopify signs it."""
    query = {"timestamp": str(int(time.time())), **query}
    message = "&".join(f"{name}={value}" for name, value in sorted(query.items()))
    secret = django_settings.PLATFORM_APPS["shopify"]["client_secret"].encode()
    return {**query, "hmac": hmac.new(secret, message.encode(), hashlib.sha256).hexdigest()}


def session_token(shop: str, **changes: Any) -> str:
    """Return a session token as the shop's admin hands it out; `changes` spoil it (None leaves a claim out)."""
    now = int(time.time())
    secret = changes.pop("secret", django_settings.PLATFORM_APPS["shopify"]["client_secret"])
    claims = {
        "iss": f"https://{shop}/admin", "dest": f"https://{shop}", "aud": django_settings.PLATFORM_APPS["shopify"]["client_id"], "sub": "42",
        "exp": now + 60, "nbf": now, "iat": now, "jti": "one", "sid": "s", **changes,
    }  # fmt: skip
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm="HS256")
