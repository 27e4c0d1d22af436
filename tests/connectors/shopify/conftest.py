"""Fixtures of the Shopify tests."""

from __future__ import annotations

import itertools
import json
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors import http
from connectors.contract.types import StoreOrderDraft, StoreVariant
from connectors.ratelimit import NoLimiter
from connectors.shopify.config import ShopifyConfig
from connectors.shopify.connector import Shopify
from tests.connectors.contract import Tokens, World
from tests.connectors.shopify import judge
from tests.connectors.shopify.cast import SHOP
from tests.connectors.shopify.cast import draft as mug

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def nobody_else_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other parts of the product may watch all calls (metrics keep them in the database): not those of these tests."""
    monkeypatch.setattr(http, "observers", [])


@pytest.fixture(autouse=True)
def every_call_is_one_shopify_takes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hold every document and its variables that leave a test to Shopify's official schema, where it is at hand."""
    sent: list[tuple[str, dict[str, Any]]] = []
    send = http.Caller._send

    def keep(self: http.Caller, operation: str, request: Any, *rest: Any) -> http.Reply:
        if request.url.endswith("/graphql.json"):
            body = json.loads(request.data)
            sent.append((body["query"], body["variables"]))
        return send(self, operation, request, *rest)

    monkeypatch.setattr(http.Caller, "_send", keep)
    yield
    folder = Path(os.environ.get("SALESTIO_SPECS") or "nowhere")
    if folder.is_dir():
        for document, variables in sent:
            judge.check(folder, document, variables)


@pytest.fixture
def config(sandbox: Any) -> ShopifyConfig:
    """A config that finds every shop in the sandbox, with the app's credentials and grants there."""
    clients = sandbox.control("GET", "/endpoints")["clients"]["shopify"]
    return ShopifyConfig(
        client_id=clients["client_id"],
        client_secret=clients["client_secret"],
        url_template=f"{sandbox.url}/shopify/{{shop}}",
        admin_template=f"{sandbox.url}/shopify/{{shop}}/admin",
        scopes=tuple(clients["tokens"][SHOP]["scope"].split(",")),
    )


@pytest.fixture
def world(sandbox: Any, config: ShopifyConfig) -> World:
    """Northpine's shop in a fresh sandbox."""
    sandbox.reset()
    token = sandbox.control("GET", "/endpoints")["clients"]["shopify"]["tokens"][SHOP]
    secrets = [token["access_token"], token["refresh_token"], config.client_secret]
    return World(sandbox, platform="shopify", key=SHOP, secrets=secrets)


@pytest.fixture
def shop(world: World, config: ShopifyConfig) -> Shopify:
    """The connector of that shop, signed in; nothing is set up yet."""
    return Shopify(SHOP, Tokens(world.secrets[0]), NoLimiter(), config)


@pytest.fixture
def variant(shop: Shopify) -> StoreVariant:
    """A tracked variant with units at more than one location, at least five at one of them."""
    return next(
        one
        for one in shop.list_variants().items
        if one.tracked and one.sku and not one.is_bundle and len(one.figures) > 1
        and not one.oversell_allowed and any(units >= 5 for _, units in one.figures)
    )  # fmt: skip


@pytest.fixture
def draft(variant: StoreVariant) -> Callable[..., StoreOrderDraft]:
    """A function: changes → a fresh draft of one unit of that variant."""

    def make(**changes: Any) -> StoreOrderDraft:
        reference = f"111-{uuid.uuid4().int % 10**7:07d}-{next(_numbers):07d}"
        line = replace(mug().lines[0], variant_id=variant.id, quantity=1, unit_price=Decimal("12.00"), sku=variant.sku)
        given = mug(
            reference=reference,
            key=f"amazon:A1NORTHPINEUS:{reference}:1",
            name=reference,
            lines=(line,),
            total=Decimal("19.37"),
        )
        return replace(given, **changes)

    return make
