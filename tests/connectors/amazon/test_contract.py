"""Amazon passes the suite of every marketplace, over HTTP against the sandbox, and a few trials of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests

from connectors.amazon.auth import AmazonAuth
from connectors.amazon.config import AmazonConfig
from connectors.amazon.connector import Amazon
from connectors.amazon.notifications import read_hint
from connectors.amazon.sqs import Message, Queue
from connectors.contract.errors import AuthorizationExpired, NotFound, Rejected
from connectors.contract.types import FulfilledBy, OrderStatus, Window
from connectors.ratelimit import NoLimiter
from tests.connectors.amazon.conftest import LiveTokens, until
from tests.connectors.contract import MarketplaceContract, World

KEY, REGION = "A1NORTHPINEUS", "na"
BACK = f"{os.environ['SALESTIO_WEB_URL']}/connect/amazon/return"
"""Amazon sends the browser only to addresses its developer registered: our own web server."""


def sku(world: World, fulfilled_by: str = "merchant") -> str:
    """A seller SKU the account offers, with plenty of units."""
    offers = [offer for offer in world.listings() if offer["fulfilled_by"] == fulfilled_by]
    return str(max(offers, key=lambda offer: offer["quantity"] or 0)["sku"])


@pytest.fixture
def opened(open_amazon: Any) -> tuple[Amazon, World]:
    pair: tuple[Amazon, World] = open_amazon(KEY, REGION)
    return pair


@pytest.fixture
def world(opened: tuple[Amazon, World]) -> World:
    return opened[1]


@pytest.fixture
def connector(opened: tuple[Amazon, World]) -> Amazon:
    return opened[0]


@pytest.fixture(scope="class")
def placed(sandbox: Any) -> tuple[datetime, list[str]]:
    """More orders than one page holds."""
    seller = World(sandbox, "amazon", KEY)
    since = datetime.now(UTC) - timedelta(seconds=5)
    ids = seller.buy({"sku": sku(seller), "quantity": 1}, count=120, mode="sweep")
    assert len(set(ids)) == 120
    return since, ids


@pytest.fixture
def destination(endpoints: dict[str, Any]) -> str:
    return str(endpoints["clients"]["sqs"]["queue_arn"])


@pytest.mark.usefixtures("unlimited")
class TestAmazon(MarketplaceContract):
    list_operation = "searchOrders"

    @pytest.fixture
    def world(self, opened: tuple[Amazon, World]) -> World:
        return opened[1]

    @pytest.fixture
    def connector(self, opened: tuple[Amazon, World]) -> Amazon:
        return opened[0]

    def test_a_list_of_more_than_a_hundred_has_two_pages(
        self, connector: Amazon, placed: tuple[datetime, list[str]]
    ) -> None:
        since, _ = placed

        first = connector.list_orders(Window(after=since))

        assert len(first.items) == 100
        assert first.next_token

    def test_a_page_token_of_another_query_is_refused_by_its_own_code(
        self, connector: Amazon, placed: tuple[datetime, list[str]]
    ) -> None:
        since, _ = placed
        token = connector.list_orders(Window(after=since)).next_token

        with pytest.raises(Rejected) as caught:
            connector.list_orders(Window(after=since - timedelta(hours=1), page_token=token))

        assert caught.value.code == "page_token"

    def test_a_list_may_be_of_chosen_sites(self, connector: Amazon, placed: tuple[datetime, list[str]]) -> None:
        since, _ = placed

        page = connector.list_orders(Window(after=since), sites=["US"])

        assert {order.site for order in page.items} == {"US"}

    def test_a_nightly_list_goes_by_creation(self, connector: Amazon, placed: tuple[datetime, list[str]]) -> None:
        since, ids = placed

        found = self.pull(connector, since=since, by_creation=True)

        assert set(ids) <= {order.order_id for order in found}


@pytest.mark.usefixtures("unlimited")
class TestOrdersAtAmazon:
    """What one order looks like after its way through the wire."""

    @pytest.fixture(autouse=True)
    def _no_faults_left(self, world: World) -> Iterator[None]:
        world.heal()
        yield
        world.heal()

    def test_a_paid_order_has_an_address_and_money(self, connector: Amazon, world: World) -> None:
        wanted = sku(world)
        (order_id,) = world.buy({"sku": wanted, "quantity": 2}, mode="silent")

        order = connector.get_order(order_id, urgent=True)

        assert (order.problem, order.status) == ("", OrderStatus.PAID)
        assert order.fulfilled_by is FulfilledBy.MERCHANT
        assert (order.lines[0].seller_sku, order.lines[0].quantity) == (wanted, 2)
        assert order.personal.shipping is not None
        assert order.personal.shipping.complete
        assert order.total is not None
        assert order.total > 0

    def test_an_unpaid_order_has_no_total(self, connector: Amazon, world: World) -> None:
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, status="pending", mode="silent")

        order = connector.get_order(order_id)

        assert (order.problem, order.status, order.total) == ("", OrderStatus.INCOMPLETE, None)
        assert order.lines[0].quantity == 1

    def test_an_order_amazon_ships_shows_little_of_its_buyer(self, connector: Amazon, world: World) -> None:
        (order_id,) = world.buy(
            {"sku": sku(world, "marketplace"), "quantity": 1}, fulfilled_by="marketplace", mode="silent"
        )

        order = connector.get_order(order_id)

        assert (order.problem, order.fulfilled_by) == ("", FulfilledBy.MARKETPLACE)
        assert order.personal.buyer_email == ""

    @pytest.mark.parametrize(
        "extras",
        [
            pytest.param({"discount": "1.00", "shipping": "4.99", "tax": "2.13", "gift_wrap": "3.50"}, id="everything"),
            pytest.param({"shipping": "4.99"}, id="shipping"),
            pytest.param({"discount": "1.00", "tax": "0.77"}, id="discount and tax"),
        ],
    )
    def test_every_kind_of_amount_adds_up(self, connector: Amazon, world: World, extras: dict[str, str]) -> None:
        (order_id,) = world.buy({"sku": sku(world), "quantity": 3, "unit_price": "9.99"}, mode="silent", **extras)

        order = connector.get_order(order_id)

        assert order.problem == ""
        assert order.total == sum((line.total for line in order.lines if line.total is not None), Decimal(0))

    def test_a_replacement_costs_nothing(self, connector: Amazon, world: World) -> None:
        (first,) = world.buy({"sku": sku(world), "quantity": 1}, mode="silent")
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, replacement_of=first, mode="silent")

        order = connector.get_order(order_id)

        assert (order.problem, order.replacement_of, order.total) == ("", first, Decimal(0))

    def test_a_canceled_order_is_canceled(self, connector: Amazon, world: World) -> None:
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, mode="silent")
        world.sandbox.control("PATCH", f"/accounts/amazon/{KEY}/orders/{order_id}", {"status": "canceled"})

        order = connector.get_order(order_id)

        assert (order.problem, order.status) == ("", OrderStatus.CANCELED)

    def test_another_sellers_order_is_not_found(self, connector: Amazon, open_amazon: Any) -> None:
        stranger: World = open_amazon("A4HARBOURKILN", "na")[1]
        (order_id,) = stranger.buy({"sku": sku(stranger), "quantity": 1}, mode="silent")

        with pytest.raises(NotFound):
            connector.get_order(order_id)


class TestLimits:
    """The published rates, learnt from the headers."""

    @pytest.mark.parametrize(("profile", "rate"), [("real", 0.0056), ("demo", 0.56)])
    def test_the_pace_of_the_sweep_follows_the_profile(
        self, sandbox: Any, connector: Amazon, profile: str, rate: float
    ) -> None:
        sandbox.control("POST", "/limits", {"platform": "amazon", "profile": profile})
        try:
            connector.list_orders(Window(after=datetime.now(UTC) - timedelta(minutes=1)))
        finally:
            sandbox.control("POST", "/limits", {"platform": "amazon", "profile": "demo"})

        assert connector.rate_in_force("searchOrders") == pytest.approx(rate)
        assert connector.sweep_seconds() == pytest.approx(max(1 / rate, 2.0))


# ── push ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def queue(endpoints: dict[str, Any]) -> Queue:
    made = open_queue(endpoints)
    while messages := made.receive(wait_seconds=0):
        made.delete([message.receipt for message in messages])
    return made


def open_queue(endpoints: dict[str, Any], url: str = "") -> Queue:
    client = endpoints["clients"]["sqs"]
    return Queue(
        url or client["queue_url"],
        region=client["region"],
        access_key_id=client["access_key_id"],
        secret_access_key=client["secret_access_key"],
        endpoint_url=endpoints["amazon"]["sqs"],
    )


def collect(queue: Queue, order_id: str) -> list[Message]:
    """The messages about an order, as soon as there are any."""
    found: list[Message] = []

    def look() -> bool:
        for message in queue.receive(wait_seconds=1):
            hint = read_hint(message.body)
            if hint is not None and hint.order_id == order_id:
                found.append(message)
            else:
                queue.delete([message.receipt])
        return bool(found)

    until(look)
    return found


@pytest.mark.usefixtures("unlimited")
class TestPush:
    def test_an_order_placed_reaches_the_queue_as_a_hint(
        self, connector: Amazon, world: World, queue: Queue, destination: str
    ) -> None:
        connector.subscribe(destination)
        wanted = sku(world)
        (order_id,) = world.buy({"sku": wanted, "quantity": 2}, mode="push")

        (message, *_) = collect(queue, order_id)
        queue.delete([message.receipt])

        hint = read_hint(message.body)
        assert hint is not None
        assert (hint.seller_key, hint.order_id) == (KEY, order_id)
        assert hint.fulfilled_by is FulfilledBy.MERCHANT
        assert hint.lines == ((wanted, 2),)

    def test_an_empty_queue_gives_nothing(self, queue: Queue) -> None:
        assert list(queue.receive(wait_seconds=0)) == []

    def test_deleting_nothing_or_twice_does_no_harm(
        self, connector: Amazon, world: World, queue: Queue, destination: str
    ) -> None:
        connector.subscribe(destination)
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, mode="push")
        (message, *_) = collect(queue, order_id)

        queue.delete([])
        queue.delete([message.receipt])
        queue.delete([message.receipt])

        assert all((read_hint(one.body) or message) != message for one in queue.receive(wait_seconds=0))

    def test_a_queue_that_does_not_exist_is_not_found(self, endpoints: dict[str, Any]) -> None:
        url = endpoints["clients"]["sqs"]["queue_url"].rstrip("/") + "-elsewhere"

        with pytest.raises(NotFound):
            open_queue(endpoints, url).receive(wait_seconds=0)


# ── consent ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def approve(url: str, seller: str) -> dict[str, str]:
    """Do what a seller does in a browser: open the consent page, choose the account, agree. Return Amazon's query."""
    browser = requests.Session()
    page = browser.get(url, timeout=10)
    assert page.ok, page.text
    form = re.search(r"<form[^>]*method=.post[^>]*>.*?</form>", page.text, re.DOTALL | re.IGNORECASE)
    assert form is not None, page.text
    action = re.search(r'action="([^"]*)"', form.group(0))
    fields = {}
    for tag in re.findall(r"<(?:input|button|option)[^>]*>", form.group(0)):
        given = {name: unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        wanted = given.get("type") == "hidden" or given.get("value") in (seller, "approve")
        if wanted and "name" in given:
            fields[given["name"]] = given["value"]
    for name in re.findall(r'<select[^>]*name="([\w-]+)"', form.group(0)):
        fields[name] = seller
    assert seller in fields.values(), form.group(0)
    target = urljoin(page.url, unescape(action.group(1))) if action and action.group(1) else page.url
    answer = browser.post(target, data=fields, timeout=10, allow_redirects=False)
    assert answer.is_redirect, f"{answer.status_code} {answer.text[:300]}"
    assert answer.headers["Location"].startswith(BACK)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


@pytest.mark.usefixtures("unlimited")
class TestConsent:
    def test_a_seller_who_withdraws_and_agrees_again_is_served_again(
        self, sandbox: Any, open_amazon: Any, amazon_config: AmazonConfig
    ) -> None:
        amazon, world = open_amazon("A2NORTHPINEUK", "eu")
        after = datetime.now(UTC) - timedelta(minutes=1)
        amazon.list_orders(Window(after=after))

        world.revoke()
        with pytest.raises(AuthorizationExpired):
            amazon.list_orders(Window(after=after))

        auth = AmazonAuth(amazon_config)
        query = approve(auth.authorize_url(state="state-1", redirect_uri=BACK, region="eu"), "A2NORTHPINEUK")
        assert query["state"] == "state-1"
        grant = auth.exchange(query=query, redirect_uri=BACK)
        assert grant.key == "A2NORTHPINEUK"
        again = Amazon(grant.key, "eu", LiveTokens(auth, grant.refresh_token), NoLimiter(), amazon_config)
        assert [site.code for site in again.sites()] == ["UK"]

    def test_a_code_works_once(self, amazon_config: AmazonConfig, sandbox: Any) -> None:
        auth = AmazonAuth(amazon_config)
        query = approve(auth.authorize_url(state="state-2", redirect_uri=BACK, region="eu"), "A2NORTHPINEUK")
        auth.exchange(query=query, redirect_uri=BACK)

        with pytest.raises(Rejected, match="connect again"):
            auth.exchange(query=query, redirect_uri=BACK)
