"""BigCommerce passes the storefront suite, over HTTP against the sandbox, and a few trials of its own.

The sandbox is a second reading of BigCommerce's documentation, which makes it a second opinion of ours.
"""

from __future__ import annotations

import itertools
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from connectors.bigcommerce import webhooks
from connectors.bigcommerce.auth import BigCommerceAuth
from connectors.bigcommerce.config import BigCommerceConfig
from connectors.bigcommerce.connector import BigCommerce
from connectors.bigcommerce.settings import SCOPES
from connectors.contract.errors import AuthorizationExpired, OutOfStock, RateLimited, Rejected
from connectors.contract.types import CustomerMode, InventoryRule, StoreEvent, StoreOrderDraft, StoreVariant
from connectors.ratelimit import LocalLimiter, NoLimiter
from tests.connectors.bigcommerce.cast import draft as candles
from tests.connectors.contract import StorefrontContract, Tokens, World
from tests.connectors.wire import Wire

LUMEN = "lmnloom7k2"
BACK = f"{os.environ['SALESTIO_WEB_URL']}/bigcommerce/auth"
NOBODY = "http://127.0.0.1:21149/nobody"
LATER = "order_completed_or_shipped"
_numbers = itertools.count(1)


@pytest.fixture
def config(sandbox: Any) -> BigCommerceConfig:
    """A config that finds every store in the sandbox, with our app's credentials there."""
    clients = sandbox.control("GET", "/endpoints")["clients"]["bigcommerce"]
    return BigCommerceConfig(
        client_id=clients["client_id"],
        client_secret=clients["client_secret"],
        app_id=str(clients["app_id"]),
        url_template=f"{sandbox.url}/bigcommerce/stores/{{hash}}",
        login_url=f"{sandbox.url}/bigcommerce/login",
        admin_template=f"{sandbox.url}/bigcommerce/store-{{hash}}/manage",
        app_store=f"{sandbox.url}/bigcommerce/apps",
    )


@pytest.fixture
def world(sandbox: Any, config: BigCommerceConfig) -> World:
    """Lumen & Loom's store in a fresh sandbox."""
    sandbox.reset()
    token = sandbox.control("GET", "/endpoints")["clients"]["bigcommerce"]["tokens"][LUMEN]["access_token"]
    return World(sandbox, platform="bigcommerce", key=LUMEN, secrets=[token, config.client_secret])


@pytest.fixture
def store(world: World, config: BigCommerceConfig) -> BigCommerce:
    """The connector of that store, signed in; nothing is set up yet."""
    return BigCommerce(LUMEN, Tokens(world.secrets[0]), NoLimiter(), config)


def whole_catalog(store: BigCommerce) -> list[StoreVariant]:
    """Return every variant of the store, page after page."""
    found: list[StoreVariant] = []
    token = ""
    while True:
        page = store.list_variants(after_token=token)
        found += page.items
        token = page.next_token
        if not token:
            return found


@pytest.fixture
def variant(store: BigCommerce) -> StoreVariant:
    """A tracked variant with an SKU and at least five units at the default location."""
    return next(
        one
        for one in whole_catalog(store)
        if one.tracked and one.sku and one.item_id.startswith("variant:") and one.figures and one.figures[0][1] >= 5
    )


@pytest.fixture
def draft(variant: StoreVariant) -> Callable[..., StoreOrderDraft]:
    """A function: changes → a fresh draft of one unit of that variant, 19.37 USD in all."""

    def make(**changes: Any) -> StoreOrderDraft:
        reference = f"12-{uuid.uuid4().int % 10**5:05d}-{next(_numbers):05d}"
        line = replace(
            candles().lines[0],
            variant_id=variant.id,
            product_id=variant.product_id,
            quantity=1,
            unit_price=Decimal("12.00"),
            sku=variant.sku,
        )
        given = candles(reference=reference, key=f"ebay:EBLUMEN5Q:{reference}:1", lines=(line,), total=Decimal("19.37"))
        return replace(given, **changes)

    return make


def set_store(world: World, **settings: Any) -> None:
    """Change the store's settings, as the merchant would in the control panel."""
    world.sandbox.control("POST", f"/stores/{LUMEN}/settings", settings)


class TestBigCommerce(StorefrontContract):
    create_operation = "createOrder"
    read_operation = "get-inventory-items"

    @pytest.fixture
    def world(self, world: World) -> World:
        return world

    @pytest.fixture
    def store(self, store: BigCommerce) -> BigCommerce:
        store.set_up(webhook_url=NOBODY)
        return store

    @pytest.fixture
    def variant(self, variant: StoreVariant) -> StoreVariant:
        return variant

    @pytest.fixture
    def draft(self, draft: Callable[..., StoreOrderDraft]) -> Callable[..., StoreOrderDraft]:
        return draft

    def available(self, store: Any, variant: StoreVariant) -> int:
        """Return the units once the store's asynchronous inventory has settled: two reads that agree."""
        last = super().available(store, variant)
        for _ in range(40):
            time.sleep(0.15)
            now = super().available(store, variant)
            if now == last:
                return now
            last = now
        raise AssertionError("the stock does not settle")

    def test_an_order_that_shall_leave_stock_alone_does(
        self, store: Any, variant: StoreVariant, draft: Callable[..., StoreOrderDraft], world: World
    ) -> None:
        """BigCommerce has no switch on the order: the store's setting decides whether there is such an order at all."""
        before = self.available(store, variant)
        with pytest.raises(Rejected) as caught:
            store.create_order(draft(inventory=InventoryRule.NONE))
        assert caught.value.code == "STOCK_WOULD_MOVE"

        set_store(world, update_stock_behavior=LATER)
        store.info()
        created = store.create_order(draft(inventory=InventoryRule.NONE, fulfilled=True))

        assert created.total == Decimal("19.37")
        assert self.available(store, variant) == before

    # ── beyond the common suite ──────────────────────────────────────────────────────────────────────────────────────

    def test_an_order_for_more_than_there_is_is_out_of_stock_and_takes_nothing(
        self, store: Any, variant: StoreVariant, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        before = self.available(store, variant)
        line = replace(draft().lines[0], quantity=before + 1, unit_price=Decimal(1), taxes=())
        wanted = draft(lines=(line,), shipping=(), total=Decimal(before + 1))

        with pytest.raises(OutOfStock) as caught:
            store.create_order(wanted)

        assert caught.value.texts[0].startswith("Quantities of one or more products are out of stock")
        assert self.available(store, variant) == before
        assert list(store.find_by_key(wanted.key, wanted.reference)) == []

    def test_where_stock_moves_on_shipping_a_new_order_takes_nothing_yet(
        self, store: Any, variant: StoreVariant, draft: Callable[..., StoreOrderDraft], world: World
    ) -> None:
        set_store(world, update_stock_behavior=LATER)
        before = self.available(store, variant)

        store.create_order(draft())

        assert store.info().claims_stock == "at_shipping"
        assert self.available(store, variant) == before

    def test_a_custom_line_takes_no_stock_and_counts_in_the_total(
        self, store: Any, variant: StoreVariant, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        before = self.available(store, variant)
        custom = replace(draft().lines[0], variant_id=None, product_id=None)

        created = store.create_order(draft(lines=(custom,)))

        assert created.total == Decimal("19.37")
        assert self.available(store, variant) == before

    def test_a_tax_that_does_not_divide_makes_the_total_all_the_same(
        self, store: Any, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        line = draft().lines[0]
        odd = replace(line, quantity=3, taxes=(replace(line.taxes[0], amount=Decimal("1.00")),))

        created = store.create_order(draft(lines=(odd,), total=Decimal("41.99")))

        assert created.total == Decimal("41.99")

    def test_a_customer_by_email_is_made_once(self, store: Any, draft: Callable[..., StoreOrderDraft]) -> None:
        email = f"ada.{uuid.uuid4().hex[:8]}@example.com"

        for _ in range(2):
            store.create_order(draft(customer=CustomerMode.BY_EMAIL, email=email))

        assert len(store._client.customers(email)) == 1

    def test_many_orders_are_placed_in_one_reading(
        self, store: Any, variant: StoreVariant, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        ids = [store.create_order(draft()).id for _ in range(3)]

        reading = store.read_stock([variant.item_id], order_ids=ids)

        assert sorted(one.order_id for one in reading.placements) == sorted(ids)
        assert sorted(one.id for one in reading.orders) == sorted(ids)

    def test_a_store_that_is_set_up_has_nothing_to_mend(self, store: Any) -> None:
        assert [one for one in store.check() if one.ok is not True] == []

    def test_a_revoked_token_asks_for_the_merchant(self, store: Any, world: World) -> None:
        world.sandbox.control("POST", f"/stores/{LUMEN}/revoke", {})

        with pytest.raises(AuthorizationExpired):
            store.info()

    def test_hidden_and_shared_and_untracked_variants_are_told_apart(self, store: Any) -> None:
        kinds = {one.item_id.partition(":")[0] for one in whole_catalog(store)}

        assert kinds <= {"variant", "product", "none"}
        assert "variant" in kinds


# ── mandatory options ────────────────────────────────────────────────────────────────────────────────────────────────


def test_mandatory_options_stop_an_order_until_the_merchant_lets_us_fill_them(
    world: World, store: BigCommerce, draft: Callable[..., StoreOrderDraft]
) -> None:
    made = world.sandbox.control(
        "POST",
        f"/stores/{LUMEN}/variants",
        {
            "product_title": "Engraved lamp",
            "sku": "LL-ENGRAVED",
            "price": "40.00",
            "available": 9,
            "modifiers": [{"name": "Engraving", "kind": "text", "required": True}],
        },
    )
    lamp = next(one for one in store.find_variants("LL-ENGRAVED") if one.sku == "LL-ENGRAVED")
    line = replace(draft().lines[0], variant_id=lamp.id, product_id=lamp.product_id, sku=lamp.sku)
    wanted = draft(lines=(line,))

    with pytest.raises(Rejected) as caught:
        store.create_order(wanted)
    filled = store.create_order(replace(wanted, fill_options=True, option_text="None wanted"))

    assert made
    assert caught.value.fields == ("Engraving",)
    assert filled.total == Decimal("19.37")


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
def ear(wire: Wire, store: BigCommerce, config: BigCommerceConfig) -> Iterator[Ear]:
    store.set_up(webhook_url=f"{wire.url}/webhooks/bigcommerce")
    yield Ear(wire, config.client_secret)
    store.set_up(webhook_url=NOBODY)


def test_a_stock_change_in_the_control_panel_is_heard_and_names_the_item(
    world: World, variant: StoreVariant, ear: Ear
) -> None:
    world.sandbox.control("PUT", f"/stores/{LUMEN}/variants?id={variant.id}", {"available": 41})

    heard = ear.events("stock")

    assert any(variant.item_id in event.object_ids for event in heard)
    assert {event.store_key for event in heard} == {LUMEN}


def test_an_order_canceled_in_the_control_panel_is_heard(
    world: World, store: BigCommerce, ear: Ear, draft: Callable[..., StoreOrderDraft]
) -> None:
    order = store.create_order(draft())
    world.sandbox.control("POST", f"/stores/{LUMEN}/orders/{order.id}/cancel", {})

    heard = ear.events("order_canceled")

    assert [event.object_ids for event in heard] == [(order.id,)]


def test_a_shipment_is_heard_with_its_order(
    world: World, store: BigCommerce, ear: Ear, draft: Callable[..., StoreOrderDraft]
) -> None:
    order = store.create_order(draft())
    world.sandbox.control("POST", f"/stores/{LUMEN}/orders/{order.id}/ship", {"carrier": "ups", "tracking": "1Z1"})

    heard = ear.events("shipment")

    assert heard
    assert heard[0].object_ids[0] == order.id


def test_a_webhook_delivered_twice_has_one_id(world: World, variant: StoreVariant, ear: Ear) -> None:
    world.fault("webhook_repeat", count=1)
    world.sandbox.control("PUT", f"/stores/{LUMEN}/variants?id={variant.id}", {"available": 40})

    heard = ear.events("stock", count=2)
    world.heal()

    ids = [event.event_id for event in heard]
    assert len(ids) > len(set(ids))


# ── the quota ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def real_rates(world: World) -> Iterator[None]:
    world.sandbox.control("POST", "/limits", {"platform": "bigcommerce", "profile": "real"})
    yield
    world.sandbox.control("POST", "/limits", {"platform": "bigcommerce", "profile": "demo"})


@pytest.mark.usefixtures("real_rates")
def test_without_a_limiter_the_quota_ends_and_says_when_it_begins_anew(store: BigCommerce) -> None:
    with pytest.raises(RateLimited) as caught:
        for number in range(500):
            store.get_order(str(900000 + number))

    assert caught.value.ours is False
    assert 0 < caught.value.retry_after <= 30


@pytest.mark.usefixtures("real_rates")
def test_at_the_published_quota_our_own_limiter_prevents_every_refusal(
    world: World, config: BigCommerceConfig, draft: Callable[..., StoreOrderDraft]
) -> None:
    custom = replace(draft().lines[0], variant_id=None, product_id=None)
    drafts = [draft(lines=(custom,)) for _ in range(34)]
    store = BigCommerce(LUMEN, Tokens(world.secrets[0]), LocalLimiter(), config)
    waits: list[float] = []

    def work(wanted: StoreOrderDraft) -> str:
        while True:
            try:
                return store.create_order(wanted).id
            except RateLimited as wait:
                assert wait.ours
                waits.append(wait.retry_after)
                time.sleep(wait.retry_after)

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(work, drafts))

    calls = world.sandbox.control("GET", "/calls")
    assert len(set(made)) == 34
    assert waits
    assert sum(call["throttled"] for call in calls if call["platform"] == "bigcommerce") == 0


# ── signing in ───────────────────────────────────────────────────────────────────────────────────────────────────────

NEW = "fldnote3x9"
"""A store that has not installed our app."""


@pytest.fixture
def auth(config: BigCommerceConfig) -> BigCommerceAuth:
    return BigCommerceAuth(config)


def install(config: BigCommerceConfig, store_hash: str) -> dict[str, str]:
    """Agree to our app in the app market, and return the query the browser is sent to our callback with."""
    with requests.Session() as browser:
        address = f"{config.app_store}/{store_hash}/install"
        page = browser.get(address, timeout=10).text
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
        chosen = re.search(r'<option value="(\d+)"', page)
        assert chosen is not None
        sent = browser.post(
            address,
            data={**{name: unescape(value) for name, value in hidden}, "user": chosen.group(1), "answer": "install"},
            headers={"Origin": "{0.scheme}://{0.netloc}".format(urlsplit(address))},
            allow_redirects=False,
            timeout=10,
        )
    return dict(parse_qsl(urlsplit(sent.headers["Location"]).query))


def test_a_merchant_who_installs_the_app_gives_a_token_that_works(
    world: World, config: BigCommerceConfig, auth: BigCommerceAuth
) -> None:
    query = install(config, NEW)

    grant, person = auth.exchange_with_user(query, BACK)

    assert grant.key == NEW
    # The right to change includes the right to read.
    assert all({scope, scope.removesuffix("_read_only")} & set(grant.scopes) for scope in SCOPES)
    assert "@" in person.email and person.owner_id
    assert BigCommerce(NEW, Tokens(grant.access_token), NoLimiter(), config).info().key == NEW


def test_a_code_works_once(world: World, config: BigCommerceConfig, auth: BigCommerceAuth) -> None:
    query = install(config, NEW)
    auth.exchange(query=query, redirect_uri=BACK)

    with pytest.raises(Rejected):
        auth.exchange(query=query, redirect_uri=BACK)


def test_a_code_is_no_other_stores(world: World, config: BigCommerceConfig, auth: BigCommerceAuth) -> None:
    query = install(config, NEW)

    with pytest.raises(Rejected):
        auth.exchange(query={**query, "context": f"stores/{LUMEN}"}, redirect_uri=BACK)


def test_the_control_panel_opens_our_app_with_a_payload_we_believe(
    world: World, config: BigCommerceConfig, auth: BigCommerceAuth
) -> None:
    frame = requests.get(config.admin_url(LUMEN, "/app"), timeout=10).text
    source = next(unescape(found) for found in re.findall(r'src="([^"]+)"', frame) if "signed_payload_jwt" in found)

    claims = auth.decode_payload(dict(parse_qsl(urlsplit(source).query))["signed_payload_jwt"])

    assert claims.store_hash == LUMEN
    assert claims.user_id and "@" in claims.owner_email
