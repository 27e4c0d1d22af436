"""eBay passes the suite of every marketplace, over HTTP against the sandbox, and a few trials of its own."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from ebay_apiroute.sell.fulfillment.order.models.schemas.order import Order

from connectors import http
from connectors.contract.errors import AuthorizationExpired, NotFound, Rejected, UnexpectedReply
from connectors.contract.types import AccountEvent, AccountTopic, FulfilledBy, OrderStatus, Window
from connectors.ebay import limits
from connectors.ebay.auth import EbayAuth
from connectors.ebay.config import EbayConfig
from connectors.ebay.connector import Ebay
from connectors.ebay.push import EbayPush
from connectors.ratelimit import NoLimiter
from tests.connectors.contract import MarketplaceContract, World
from tests.connectors.ebay import judge
from tests.connectors.ebay.conftest import LiveTokens
from tests.connectors.ebay.test_limits import Book
from tests.connectors.wire import Wire, answer

KEY = "EBLUMEN5Q"


def sku(world: World) -> str:
    """A seller SKU the account offers, with plenty of units."""
    return str(max((offer for offer in world.listings() if offer["sku"]), key=lambda offer: offer["quantity"])["sku"])


@pytest.fixture
def opened(open_ebay: Callable[[str], tuple[Ebay, World]]) -> tuple[Ebay, World]:
    return open_ebay(KEY)


@pytest.fixture
def world(opened: tuple[Ebay, World]) -> World:
    return opened[1]


@pytest.fixture
def connector(opened: tuple[Ebay, World]) -> Ebay:
    return opened[0]


@pytest.fixture(scope="class")
def placed(sandbox: Any) -> tuple[datetime, list[str]]:
    """More orders than one page holds."""
    seller = World(sandbox, "ebay", KEY)
    since = datetime.now(UTC) - timedelta(seconds=5)
    ids = seller.buy({"sku": sku(seller), "quantity": 1}, count=230, mode="sweep")
    assert len(set(ids)) == 230
    # Our upper bound stays a little before eBay's present: what was just bought is beyond it for that long.
    time.sleep(EbayConfig("", "", "").clock_margin_seconds + 1)
    return since, ids


@pytest.fixture
def door(wire: Wire, ebay_config: EbayConfig) -> EbayPush:
    """Our own door for pushes: it answers eBay's challenge and takes messages, which `wire.asked` keeps."""
    push = EbayPush(ebay_config, NoLimiter())

    def step(connection: Any) -> bool:
        asked = wire.asked[-1]
        challenge = push.challenge(asked.query, wire.url + asked.path)
        return answer(200, dict(challenge or {}), headers={"Content-Type": "application/json"})(connection)

    wire.answer_with(step)
    return push


@pytest.fixture
def destination(wire: Wire, door: EbayPush) -> str:
    return f"{wire.url}/webhooks/ebay"


def received(wire: Wire, door: EbayPush, topic: AccountTopic, *, seconds: float = 10.0) -> list[AccountEvent]:
    """The verified messages of a topic; waits for the first."""
    end = time.monotonic() + seconds
    while True:
        messages = [asked for asked in list(wire.asked) if asked.method == "POST"]
        found = [event for event in (door.read(one.headers, one.body) for one in messages) if event.topic is topic]
        if found or time.monotonic() > end:
            return found
        time.sleep(0.05)


@pytest.mark.usefixtures("unlimited")
class TestEbay(MarketplaceContract):
    list_operation = "getOrders"

    @pytest.fixture
    def world(self, opened: tuple[Ebay, World]) -> World:
        return opened[1]

    @pytest.fixture
    def connector(self, opened: tuple[Ebay, World]) -> Ebay:
        return opened[0]

    def test_a_list_of_more_than_two_hundred_has_two_pages(
        self, connector: Ebay, placed: tuple[datetime, list[str]]
    ) -> None:
        since, _ = placed

        first = connector.list_orders(Window(after=since))

        assert len(first.items) == 200
        assert first.next_token

    def test_orders_changed_while_the_list_is_read_hide_no_other(
        self, connector: Ebay, world: World, placed: tuple[datetime, list[str]]
    ) -> None:
        since, ids = placed
        first = connector.list_orders(Window(after=since))
        for order_id in [order.order_id for order in first.items[:15]]:
            world.sandbox.control("PATCH", f"/accounts/ebay/{KEY}/orders/{order_id}", {"status": "shipped"})

        second = connector.list_orders(Window(after=since, page_token=first.next_token))

        assert set(ids) <= {order.order_id for order in (*first.items, *second.items)}

    def test_a_list_may_be_of_chosen_sites(self, connector: Ebay, world: World) -> None:
        since = datetime.now(UTC)
        (british,) = world.buy({"sku": sku(world), "quantity": 1}, site="UK", mode="sweep")
        (american,) = world.buy({"sku": sku(world), "quantity": 1}, site="US", mode="sweep")
        time.sleep(3)

        found = {order.order_id: order for order in connector.list_orders(Window(after=since), sites=["UK"]).items}

        assert british in found
        assert american not in found
        assert (found[british].site, found[british].currency) == ("UK", "GBP")

    def test_a_nightly_list_goes_by_creation(self, connector: Ebay, placed: tuple[datetime, list[str]]) -> None:
        since, ids = placed

        found = self.pull(connector, since=since, by_creation=True)

        assert set(ids) <= {order.order_id for order in found}


@pytest.mark.usefixtures("unlimited")
class TestOrdersAtEbay:
    """What one order looks like after its way through the wire."""

    @pytest.fixture(autouse=True)
    def _no_faults_left(self, world: World) -> Iterator[None]:
        world.heal()
        yield
        world.heal()

    def change(self, world: World, order_id: str, **body: Any) -> dict[str, Any]:
        path = f"/accounts/ebay/{world.key}/orders/{order_id}"
        changed: dict[str, Any] = world.sandbox.control("PATCH", path, body)
        return changed

    def test_a_paid_order_has_an_address_and_money(self, connector: Ebay, world: World) -> None:
        wanted = sku(world)
        (order_id,) = world.buy({"sku": wanted, "quantity": 2}, mode="silent")

        order = connector.get_order(order_id, urgent=True)

        assert (order.problem, order.status) == ("", OrderStatus.PAID)
        assert order.fulfilled_by is FulfilledBy.MERCHANT
        assert (order.lines[0].seller_sku, order.lines[0].quantity) == (wanted, 2)
        assert order.personal.shipping is not None
        assert order.personal.shipping.complete
        assert "@" in order.personal.buyer_email
        assert order.total is not None
        assert order.total > 0

    @pytest.mark.parametrize("site", ["US", "UK"])
    @pytest.mark.parametrize(
        "money",
        [
            {},
            {"discount": "1.01"},
            {"shipping": "4.99"},
            {"tax": "2.17"},
            {"discount": "0.50", "shipping": "3.00", "tax": "1.23"},
        ],
        ids=lambda money: "+".join(money) or "plain",
    )
    def test_what_the_buyer_paid_is_read_to_the_cent(
        self, connector: Ebay, world: World, site: str, money: dict[str, str]
    ) -> None:
        lines = [{"sku": sku(world), "quantity": 3}, {"sku": sku(world), "quantity": 1}]
        (order_id,) = world.buy(*lines, site=site, mode="silent", **money)
        told = world.sandbox.control("GET", f"/accounts/ebay/{world.key}/orders/{order_id}")

        order = connector.get_order(order_id)

        assert order.problem == ""
        assert order.total == Decimal(told["total"])
        assert order.currency == told["currency"]

    def test_an_order_changes_its_id_when_it_is_paid_and_its_lines_do_not(self, connector: Ebay, world: World) -> None:
        (first,) = world.buy({"sku": sku(world), "quantity": 1}, status="pending", mode="silent")
        unpaid = connector.get_order(first)
        paid_id = self.change(world, first, status="paid")["id"]

        paid = connector.get_order(paid_id)

        assert paid_id != first
        assert (unpaid.status, paid.status) == (OrderStatus.INCOMPLETE, OrderStatus.PAID)
        assert (unpaid.total, paid.problem) == (None, "")
        assert [line.line_id for line in unpaid.lines] == [line.line_id for line in paid.lines]
        assert unpaid.lines_identify
        with pytest.raises(NotFound):
            connector.get_order(first)

    def test_a_cancellation_in_play_is_seen_in_the_list_with_its_request(self, connector: Ebay, world: World) -> None:
        since = datetime.now(UTC)
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, mode="sweep")
        self.change(world, order_id, cancel_request=True)
        time.sleep(3)

        listed = {order.order_id: order for order in connector.list_orders(Window(after=since)).items}

        assert listed[order_id].cancel_requested
        assert listed[order_id].status is OrderStatus.PAID
        assert listed[order_id].raw["cancelStatus"]["cancelRequests"]

    @pytest.mark.parametrize("status", ["shipped", "canceled"])
    def test_later_states_are_read(self, connector: Ebay, world: World, status: str) -> None:
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, mode="silent")

        self.change(world, order_id, status=status)

        assert connector.get_order(order_id).status.value == status

    def test_what_ebay_ships_is_ebays_to_ship(self, connector: Ebay, world: World) -> None:
        (order_id,) = world.buy(
            {"sku": sku(world), "quantity": 1}, fulfilled_by="marketplace", status="paid", mode="silent"
        )

        order = connector.get_order(order_id)

        assert (order.fulfilled_by, order.problem) == (FulfilledBy.MARKETPLACE, "")
        assert order.personal.shipping is None

    def test_what_the_buyer_wrote_comes_along(self, connector: Ebay, world: World) -> None:
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, note="Ring twice", mode="silent")

        assert connector.get_order(order_id).personal.buyer_notes == "Ring twice"

    def test_the_account_looks_well(self, connector: Ebay) -> None:
        found = {finding.code: finding.ok for finding in connector.check()}

        assert found["identity"] is True
        assert found["orders"] is True
        assert found["clock"] is True

    def test_a_confirmed_order_is_pushed_and_its_signature_verifies(
        self, connector: Ebay, world: World, destination: str, wire: Wire, door: EbayPush
    ) -> None:
        subscription = connector.subscribe(destination)
        try:
            (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, mode="push")
            events = received(wire, door, AccountTopic.ORDER)
        finally:
            connector.unsubscribe(subscription)

        assert {event.order_ids for event in events} == {(order_id,)}

    def test_an_independent_reader_reads_these_orders_as_we_do(self, connector: Ebay, world: World) -> None:
        since = datetime.now(UTC)
        lines = [{"sku": sku(world), "quantity": 2}, {"sku": sku(world), "quantity": 1}]
        for money in ({}, {"tax": "1.10"}, {"discount": "2.00", "shipping": "4.00"}):
            world.buy(*lines, mode="sweep", **money)
        time.sleep(3)

        found = connector.list_orders(Window(after=since)).items

        assert len(found) >= 3
        for order in found:
            other: Any = Order.model_validate(order.raw)
            assert (order.order_id, str(order.currency)) == (other.order_id, other.pricing_summary.total.currency)
            assert order.total == Decimal(other.pricing_summary.total.value)
            assert [(line.line_id, line.quantity) for line in order.lines] == [
                (item.line_item_id, item.quantity) for item in other.line_items
            ]

    @pytest.mark.parametrize("program", ["GLOBAL_SHIPPING", "AUTHENTICITY_GUARANTEE"])
    def test_a_parcel_for_ebays_hub_goes_there(self, connector: Ebay, world: World, program: str) -> None:
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, programs=[program], mode="silent")

        order = connector.get_order(order_id)

        (instruction,) = order.raw["fulfillmentStartInstructions"]
        assert order.personal.shipping is not None
        assert order.personal.shipping.complete
        assert order.programs == (program,)
        home = instruction["finalDestinationAddress"]["addressLine1"]
        assert home not in (order.personal.shipping.line1, order.personal.shipping.line2)
        reference = instruction["shippingStep"].get("shipToReferenceId", "")
        assert reference in order.personal.shipping.line2

    def test_a_user_who_wants_to_be_forgotten_is_pushed(
        self, connector: Ebay, world: World, destination: str, wire: Wire, door: EbayPush
    ) -> None:
        subscription = connector.subscribe(destination)
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, mode="silent")
        username = connector.get_order(order_id).raw["buyer"]["username"]

        world.sandbox.control("POST", f"/accounts/ebay/{KEY}/delete-user", {"username": username})
        events = received(wire, door, AccountTopic.ERASE_BUYER)
        connector.unsubscribe(subscription)

        assert {event.buyer["username"] for event in events} == {username}

    def test_the_applications_limits_are_learnt_from_the_sandbox(
        self, connector: Ebay, world: World, ebay_config: EbayConfig, clients: dict[str, Any]
    ) -> None:
        limits.LearningClock._all.clear()
        book = Book()
        tokens = LiveTokens(EbayAuth(ebay_config), clients["refresh_tokens"][KEY])

        Ebay(KEY, "", tokens, NoLimiter(), ebay_config, budgets=book).list_orders(
            Window(after=datetime.now(UTC) - timedelta(hours=1))
        )

        assert set(book.taught) >= {"ebay.sell.fulfillment", "ebay.sell.account"}
        limits.LearningClock._all.clear()


# ── consent ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def decide(url: str, seller: str, choice: str = "agree") -> dict[str, str]:
    """Do what a seller does in a browser: open the consent page, choose the account, answer. Return eBay's query."""
    browser = requests.Session()
    page = browser.get(url, timeout=10)
    assert page.ok, page.text
    hidden = dict(re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', page.text))
    fields = {name: unescape(value) for name, value in hidden.items()} | {"seller": seller, "answer": choice}
    answered = browser.post(page.url, data=fields, timeout=10, allow_redirects=False)
    assert answered.is_redirect, f"{answered.status_code} {answered.text[:300]}"
    return dict(parse_qsl(urlsplit(answered.headers["Location"]).query))


@pytest.mark.usefixtures("unlimited")
class TestConsent:
    def test_a_seller_who_withdraws_and_agrees_again_is_served_again(
        self, open_ebay: Callable[[str], tuple[Ebay, World]], ebay_config: EbayConfig
    ) -> None:
        ebay, world = open_ebay("EBHARBOUR7")
        window = Window(after=datetime.now(UTC) - timedelta(minutes=1))
        ebay.list_orders(window)

        world.revoke()
        with pytest.raises(AuthorizationExpired):
            ebay.list_orders(window)

        auth = EbayAuth(ebay_config)
        query = decide(auth.authorize_url(state="state/1", redirect_uri=""), "EBHARBOUR7")
        assert query["state"] == "state/1"
        grant = auth.exchange(query=query, redirect_uri="")
        assert grant.key == "EBHARBOUR7"
        assert grant.refresh_expires_at is not None
        assert grant.refresh_expires_at - datetime.now(UTC) > timedelta(days=500)
        again = Ebay(grant.key, "", LiveTokens(auth, grant.refresh_token), NoLimiter(), ebay_config)
        assert again.list_orders(window).bound

    def test_a_code_works_once(self, ebay_config: EbayConfig) -> None:
        auth = EbayAuth(ebay_config)
        query = decide(auth.authorize_url(state="state-2", redirect_uri=""), "EBHARBOUR7")
        auth.exchange(query=query, redirect_uri="")

        with pytest.raises(Rejected, match="connect again"):
            auth.exchange(query=query, redirect_uri="")

    def test_a_seller_who_says_no_is_a_sentence(self, ebay_config: EbayConfig) -> None:
        auth = EbayAuth(ebay_config)
        query = decide(auth.authorize_url(state="state-3", redirect_uri=""), "EBHARBOUR7", "decline")

        with pytest.raises(Rejected, match="declined"):
            auth.exchange(query=query, redirect_uri="")

    def test_a_permission_that_was_withdrawn_cannot_be_refreshed(self, sandbox: Any, ebay_config: EbayConfig) -> None:
        made = sandbox.control("PUT", f"/accounts/ebay/EBSHORT{secrets.token_hex(3).upper()}", {"sites": ["US"]})
        auth = EbayAuth(ebay_config)
        assert auth.refresh(made["refresh_token"]).access_token

        World(sandbox, "ebay", made["key"]).revoke()

        with pytest.raises(AuthorizationExpired):
            auth.refresh(made["refresh_token"])

    def test_an_application_ebay_does_not_know_is_not_the_sellers_fault(self, ebay_config: EbayConfig) -> None:
        strange = EbayAuth(replace(ebay_config, client_secret="PRD-another"))

        with pytest.raises(UnexpectedReply):
            strange.refresh("v^1.1#whatever")


@pytest.mark.contract
@pytest.mark.usefixtures("unlimited")
def test_every_call_and_answer_of_a_seller_s_day_is_as_ebays_contract_says(
    specs: Path, connector: Ebay, world: World, destination: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies: list[tuple[str, http.Reply]] = []
    send = http.Caller._send

    def keep(self: http.Caller, operation: str, request: Any, *rest: Any) -> http.Reply:
        reply = send(self, operation, request, *rest)
        replies.append((operation, reply))
        return reply

    monkeypatch.setattr(http.Caller, "_send", keep)
    (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, mode="silent")

    connector.list_orders(Window(after=datetime.now(UTC) - timedelta(days=1)))
    connector.get_order(order_id)
    connector.check()
    connector.unsubscribe(connector.subscribe(destination))

    judged = set()
    for name, reply in replies:
        if reply.status == 200 and reply.body and name not in ("appToken", "refreshToken"):
            judge.named(specs, name).check_answer(reply.json())
            judged.add(name)
    assert {"getOrders", "getOrder", "getUser", "getTopic", "getSubscriptions", "getDestinations"} <= judged
