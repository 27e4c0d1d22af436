"""Whole ways through the sandbox: installing as a merchant does, being told by webhook, reading everything at once.

The sandbox signs and checks by its own reading of Shopify's documentation, which makes it a second opinion of ours.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from connectors.contract.errors import AccessDenied, AuthorizationExpired, RateLimited, Rejected
from connectors.contract.types import InventoryRule, StoreEvent
from connectors.ratelimit import LocalLimiter, NoLimiter
from connectors.shopify import webhooks
from connectors.shopify.auth import ShopifyAuth
from connectors.shopify.config import ShopifyConfig
from connectors.shopify.connector import Shopify
from tests.connectors.contract import Tokens, World
from tests.connectors.shopify.cast import SHOP, whole_catalog
from tests.connectors.wire import Wire

BACK = f"{os.environ['SALESTIO_WEB_URL']}/shopify/callback"


@pytest.fixture
def auth(config: ShopifyConfig) -> ShopifyAuth:
    return ShopifyAuth(config)


def press(url: str, answer: str) -> dict[str, str]:
    """Open the consent page, press a button as a person would, and return the query the browser is sent back with."""
    with requests.Session() as browser:
        page = browser.get(url, timeout=10)
        form = {
            name: unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
        }
        target = re.search(r'method="post" action="([^"]+/admin/oauth/authorize)"', page.text)
        assert target is not None
        parts = urlsplit(url)
        sent = browser.post(
            f"{parts.scheme}://{parts.netloc}{target.group(1)}",
            data={**form, "answer": answer},
            headers={"Origin": f"{parts.scheme}://{parts.netloc}"},
            allow_redirects=False,
            timeout=10,
        )
    return dict(parse_qsl(urlsplit(sent.headers["Location"]).query, keep_blank_values=True))


def test_a_merchant_who_presses_install_gives_a_token_that_works(world: World, auth: ShopifyAuth) -> None:
    url = auth.authorize_url(state="a-state", redirect_uri=BACK, store_key=SHOP)

    query = press(url, "install")
    grant = auth.exchange(query=query, redirect_uri=BACK)

    assert query["state"] == "a-state"
    assert grant.key == SHOP
    assert set(auth.config.scopes) <= set(grant.scopes)
    assert grant.access_expires_at is not None
    assert Shopify(SHOP, Tokens(grant.access_token), NoLimiter(), auth.config).info().key == SHOP


def test_a_code_works_once(world: World, auth: ShopifyAuth) -> None:
    query = press(auth.authorize_url(state="s", redirect_uri=BACK, store_key=SHOP), "install")
    auth.exchange(query=query, redirect_uri=BACK)

    with pytest.raises(Rejected):
        auth.exchange(query=query, redirect_uri=BACK)


def test_a_callback_changed_on_its_way_is_refused(world: World, auth: ShopifyAuth) -> None:
    query = press(auth.authorize_url(state="s", redirect_uri=BACK, store_key=SHOP), "install")

    with pytest.raises(Rejected) as caught:
        auth.exchange(query={**query, "shop": "harbour-and-kiln.myshopify.com"}, redirect_uri=BACK)

    assert caught.value.code == "signature"


def test_the_admin_frame_opens_our_app_with_a_session_token_that_can_be_exchanged(
    world: World, auth: ShopifyAuth
) -> None:
    frame = requests.get(f"{world.sandbox.url}/shopify/{SHOP}/admin/apps/salestio", timeout=10).text
    address = next(unescape(found) for found in re.findall(r'src="([^"]+)"', frame) if "id_token=" in found)
    query = dict(parse_qsl(urlsplit(address).query))

    claims = auth.decode_session_token(query["id_token"])
    grant = auth.exchange_session_token(SHOP, query["id_token"])

    assert auth.verify_query(query) == claims.shop == grant.key == SHOP
    assert claims.user_id
    assert Shopify(SHOP, Tokens(grant.access_token), NoLimiter(), auth.config).info().key == SHOP


def test_an_old_pair_ends_when_the_new_one_is_used(world: World, auth: ShopifyAuth) -> None:
    old = world.secrets[1]
    first = auth.refresh(old, key=SHOP)
    again = auth.refresh(old, key=SHOP)
    Shopify(SHOP, Tokens(again.access_token), NoLimiter(), auth.config).info()

    assert first.access_token
    with pytest.raises(AuthorizationExpired):
        auth.refresh(old, key=SHOP)


# ── webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Ear:
    """Hears the sandbox's webhooks and reads them with the app's secret."""

    def __init__(self, wire: Wire, secret: str) -> None:
        self.wire, self.secret = wire, secret

    def events(self, topic: str, *, count: int = 1) -> list[StoreEvent]:
        """Return the events of a topic, waiting up to five seconds for so many."""
        end = time.monotonic() + 5
        while True:
            heard = [webhooks.read(asked.headers, asked.body, secret=self.secret) for asked in list(self.wire.asked)]
            found = [event for event in heard if event.topic == topic]
            if len(found) >= count or time.monotonic() > end:
                return found
            time.sleep(0.05)


@pytest.fixture
def ear(wire: Wire, shop: Shopify, config: ShopifyConfig) -> Iterator[Ear]:
    shop.set_up(webhook_url=f"{wire.url}/webhooks/shopify")
    yield Ear(wire, config.client_secret)
    shop.set_up(webhook_url="http://127.0.0.1:25003/nobody")


def test_a_stock_change_in_the_admin_is_heard_and_the_next_read_shows_it(world: World, shop: Shopify, ear: Ear) -> None:
    variant = next(one for one in shop.list_variants().items if one.sku and one.figures)
    world.sandbox.control("PUT", f"/stores/{SHOP}/variants?id={variant.id.rpartition('/')[2]}", {"available": 41})

    event = ear.events("stock")[-1]

    assert event.object_ids == (variant.item_id,)
    assert event.store_key == SHOP
    assert event.triggered_at is not None
    figures = {figure.location_id: figure.available for figure in shop.read_stock([variant.item_id]).figures}
    assert figures[variant.figures[0][0]] == 41


def test_an_order_canceled_in_the_admin_is_heard_without_the_buyers_data(
    world: World, shop: Shopify, ear: Ear, draft: Any
) -> None:
    order = shop.create_order(draft())
    world.sandbox.control("POST", f"/stores/{SHOP}/orders/{order.id.rpartition('/')[2]}/cancel", {})

    [event] = ear.events("order_canceled")

    assert event.object_ids == (order.id,)
    assert set(event.payload) <= set(webhooks.BY_HEADER["orders/cancelled"].include)


def test_a_webhook_delivered_twice_has_one_id(world: World, shop: Shopify, ear: Ear) -> None:
    variant = next(one for one in shop.list_variants().items if one.sku and one.figures)
    world.fault("webhook_repeat", count=1)
    world.sandbox.control("PUT", f"/stores/{SHOP}/variants?id={variant.id.rpartition('/')[2]}", {"available": 40})

    heard = ear.events("stock", count=2)

    assert len(heard) == 2
    assert len({event.event_id for event in heard}) == 1


# ── everything at once ───────────────────────────────────────────────────────────────────────────────────────────────


def test_where_bulk_reads_are_switched_off_the_plain_list_still_works(shop: Shopify) -> None:
    with pytest.raises(AccessDenied):
        shop.list_all_by_bulk()

    assert shop.list_variants().items


def test_a_bulk_read_brings_the_catalog_the_plain_list_brings(world: World, shop: Shopify) -> None:
    world.sandbox.control("POST", f"/stores/{SHOP}/settings", {"bulk_operations": True})
    listed = whole_catalog(shop)

    read = shop.list_all_by_bulk()
    end = time.monotonic() + 10
    while not read.done and time.monotonic() < end:
        time.sleep(0.1)
        read = shop.list_all_by_bulk(read.operation_id)

    assert read.done
    assert {variant.id: variant for variant in read.variants} == listed


# ── Shopify's own rates ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def real_rates(world: World) -> Iterator[None]:
    world.sandbox.control("POST", "/limits", {"platform": "shopify", "profile": "real"})
    yield
    world.sandbox.control("POST", "/limits", {"platform": "shopify", "profile": "demo"})


def throttled_calls(world: World) -> int:
    return sum(call["throttled"] for call in world.sandbox.control("GET", "/calls") if call["platform"] == "shopify")


@pytest.mark.usefixtures("real_rates")
def test_at_shopifys_published_rate_our_own_limiter_prevents_every_refusal(
    world: World, config: ShopifyConfig, draft: Any
) -> None:
    drafts = [draft(inventory=InventoryRule.NONE) for _ in range(24)]
    shop = Shopify(SHOP, Tokens(world.secrets[0]), LocalLimiter(), config)
    before = throttled_calls(world)

    def work(wanted: Any) -> str:
        while True:
            try:
                return shop.create_order(wanted).id
            except RateLimited as wait:
                assert wait.ours
                time.sleep(wait.retry_after)

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(work, drafts))

    assert len(set(made)) == 24
    assert throttled_calls(world) == before


@pytest.mark.usefixtures("real_rates")
def test_without_a_limiter_shopify_refuses_and_says_for_how_long(world: World, shop: Shopify, draft: Any) -> None:
    wanted = draft()
    with pytest.raises(RateLimited) as caught:
        for _ in range(400):
            shop.search_orders([wanted.reference])

    assert caught.value.ours is False
    assert 0 < caught.value.retry_after < 60
