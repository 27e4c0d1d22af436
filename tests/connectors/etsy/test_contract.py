"""Etsy passes the suite of every marketplace, over HTTP against the sandbox, and a few trials of its own."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from connectors.contract.errors import AccessDenied, AuthorizationExpired, NotFound, RateLimited, Rejected
from connectors.contract.types import AccountEvent, AccountTopic, FulfilledBy, OrderStatus, Window, Withheld
from connectors.etsy.auth import EtsyAuth
from connectors.etsy.config import EtsyConfig
from connectors.etsy.connector import Etsy
from connectors.etsy.push import EtsyPush
from connectors.ratelimit import NoLimiter
from tests.connectors.contract import MarketplaceContract, World
from tests.connectors.etsy.conftest import LiveTokens
from tests.connectors.etsy.world import Budgets

KEY, OTHER = "51230077", "48210055"
BACK = f"{os.environ['SALESTIO_WEB_URL']}/connect/etsy/callback"
"""Etsy sends the browser only to addresses its developer registered: our own web server."""


def sku(world: World) -> str:
    """A seller SKU the shop offers, shipped, with plenty of units and nothing to ask the buyer."""
    offers = [row for row in world.listings() if row["sku"] and not row["digital"] and not row["personalization"]]
    return str(max(offers, key=lambda row: row["quantity"])["sku"])


@pytest.fixture
def opened(open_etsy: Callable[[str], tuple[Etsy, World]]) -> tuple[Etsy, World]:
    return open_etsy(KEY)


@pytest.fixture
def world(opened: tuple[Etsy, World]) -> World:
    return opened[1]


@pytest.fixture
def connector(opened: tuple[Etsy, World]) -> Etsy:
    return opened[0]


@pytest.fixture(scope="class")
def placed(sandbox: Any) -> tuple[datetime, list[str]]:
    """More orders than one page holds, many of them of one second."""
    seller = World(sandbox, "etsy", KEY)
    since = datetime.now(UTC) - timedelta(seconds=5)
    ids = seller.buy({"sku": sku(seller), "quantity": 1}, count=230, mode="sweep")
    assert len(set(ids)) == 230
    return since, ids


@pytest.mark.usefixtures("unlimited")
class TestEtsy(MarketplaceContract):
    list_operation = "getShopReceipts"

    # Etsy's webhooks are set up by hand in its portal: there is nothing to subscribe to.
    test_subscribing_twice_gives_one_subscription = None  # type: ignore[assignment]
    test_a_subscription_may_be_ended_twice = None  # type: ignore[assignment]

    @pytest.fixture
    def world(self, opened: tuple[Etsy, World]) -> World:
        return opened[1]

    @pytest.fixture
    def connector(self, opened: tuple[Etsy, World]) -> Etsy:
        return opened[0]

    def test_a_nightly_list_goes_by_creation(self, connector: Etsy, placed: tuple[datetime, list[str]]) -> None:
        since, ids = placed

        found = [order.order_id for order in self.pull(connector, since=since, by_creation=True)]

        assert set(ids) <= set(found)
        assert len(found) == len(set(found))

    def test_somebody_elses_client_sees_the_same_orders(
        self,
        connector: Etsy,
        etsy_config: EtsyConfig,
        placed: tuple[datetime, list[str]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # An untyped package, and nobody's but this test's.
        environment = import_module("etsy_python.v3.common.Env").environment
        receipts = import_module("etsy_python.v3.resources.Receipt").ReceiptResource
        client = import_module("etsy_python.v3.resources.Session").EtsyClient
        monkeypatch.setattr(environment, "request_url", f"{etsy_config.api}/v3/application")
        since, _ = placed
        later = datetime.now(UTC) + timedelta(hours=1)
        theirs = client(etsy_config.api_key, connector._client._tokens.current(), "unused", later)
        found: list[Any] = []
        for offset in (0, 100, 200):
            page = receipts(theirs).get_shop_receipts(
                int(KEY), min_last_modified=int(since.timestamp()), limit=100, offset=offset
            )
            found += page.message["results"]
        theirs.session.close()

        ours = {order.order_id: order for order in self.pull(connector, since=since)}

        assert {str(receipt["receipt_id"]) for receipt in found} == set(ours)
        for receipt in found:
            grand = receipt["grandtotal"]
            told = Decimal(grand["amount"]) / grand["divisor"]
            assert ours[str(receipt["receipt_id"])].total in (told, None if not receipt["is_paid"] else told)

    def test_a_cancellation_is_found_by_change(self, connector: Etsy, world: World) -> None:
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, mode="sweep")
        since = datetime.now(UTC) - timedelta(seconds=2)
        world.sandbox.control("PATCH", f"/accounts/etsy/{KEY}/orders/{order_id}", {"status": "canceled"})

        found = {order.order_id: order.status for order in self.pull(connector, since=since)}

        assert found[order_id] is OrderStatus.CANCELED

    def test_receipts_that_change_while_the_list_is_read_hide_no_other(
        self, connector: Etsy, world: World, placed: tuple[datetime, list[str]]
    ) -> None:
        since, ids = placed
        first = connector.list_orders(Window(after=since))
        for order in first.items[:20]:
            world.sandbox.control("PATCH", f"/accounts/etsy/{KEY}/orders/{order.order_id}", {"note": "one more thing"})

        found, token = [order.order_id for order in first.items], first.next_token
        while token:
            page = connector.list_orders(Window(after=since, page_token=token))
            found += [order.order_id for order in page.items]
            token = page.next_token

        assert set(ids) <= set(found)


@pytest.mark.usefixtures("unlimited")
class TestOrdersAtEtsy:
    """What one receipt looks like after its way through the wire."""

    @pytest.fixture(autouse=True)
    def _no_faults_left(self, world: World) -> Iterator[None]:
        world.heal()
        yield
        world.heal()

    def test_a_paid_order_has_an_address_and_money(self, connector: Etsy, world: World) -> None:
        wanted = sku(world)
        (order_id,) = world.buy({"sku": wanted, "quantity": 2}, mode="silent", note="Ring twice")

        order = connector.get_order(order_id, urgent=True)

        assert (order.problem, order.status, order.fulfilled_by) == ("", OrderStatus.PAID, FulfilledBy.MERCHANT)
        assert (order.lines[0].seller_sku, order.lines[0].quantity) == (wanted, 2)
        assert order.personal.shipping is not None
        assert order.personal.shipping.complete
        assert order.withheld == (Withheld.EMAIL,)
        assert order.personal.buyer_notes == "Ring twice"
        assert order.currency == "EUR"
        assert order.total is not None
        assert order.total > 0

    def test_an_order_of_a_shop_whose_addresses_etsy_keeps_says_so(self, open_etsy: Any) -> None:
        connector, world = open_etsy(OTHER)
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, mode="silent")

        order = connector.get_order(order_id)

        assert order.withheld == (Withheld.ADDRESS, Withheld.EMAIL)
        assert not (order.personal.shipping and order.personal.shipping.line1)
        assert order.problem == ""

    def test_a_payment_that_comes_late_is_found_by_change(self, connector: Etsy, world: World) -> None:
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, status="pending", mode="sweep")
        before = connector.get_order(order_id)

        world.sandbox.control("PATCH", f"/accounts/etsy/{KEY}/orders/{order_id}", {"status": "paid"})
        after = connector.get_order(order_id)

        assert (before.status, before.total) == (OrderStatus.INCOMPLETE, None)
        assert (after.status, after.purchased_at) == (OrderStatus.PAID, before.purchased_at)
        listed = MarketplaceContract().pull(connector, since=after.updated_at)
        assert order_id in [order.order_id for order in listed]

    @pytest.mark.parametrize(
        "extras",
        [
            pytest.param(
                {"discount": "1.01", "shipping": "4.99", "tax": "2.13", "vat": "1.07", "gift_wrap": "3.50"},
                id="everything",
            ),
            pytest.param({"shipping": "4.99"}, id="shipping"),
            pytest.param({"discount": "1.00", "tax": "0.77"}, id="coupon and tax"),
            pytest.param({"vat": "3.33"}, id="value-added tax"),
        ],
    )
    def test_every_kind_of_amount_adds_up(self, connector: Etsy, world: World, extras: dict[str, str]) -> None:
        wanted = sku(world)
        lines = (
            {"sku": wanted, "quantity": 3, "unit_price": "9.99"},
            {"sku": wanted, "quantity": 1, "unit_price": "0.01"},
        )
        (order_id,) = world.buy(*lines, mode="silent", **extras)

        order = connector.get_order(order_id)

        assert order.problem == ""
        told = world.sandbox.control("GET", f"/accounts/etsy/{KEY}/orders/{order_id}")
        assert order.total == Decimal(told["total"])
        assert order.total == sum((line.total for line in order.lines if line.total is not None), Decimal(0))

    def test_a_shop_in_yen_counts_whole_yen(self, sandbox: Any, etsy_config: EtsyConfig) -> None:
        key = "77990011"
        made = sandbox.control("PUT", f"/accounts/etsy/{key}", {"currency": "JPY"})
        world = World(sandbox, "etsy", key)
        (order_id,) = world.buy({"sku": sku(world), "quantity": 2, "unit_price": "1980"}, shipping="500", mode="silent")
        tokens = LiveTokens(EtsyAuth(etsy_config), made["refresh_token"])

        order = Etsy(key, "", tokens, NoLimiter(), etsy_config).get_order(order_id)

        assert (order.problem, order.currency, order.total) == ("", "JPY", Decimal(4460))

    def test_what_the_buyer_wrote_is_a_note_on_the_line(self, connector: Etsy, world: World) -> None:
        row = next(row for row in world.listings() if row["personalization"])
        question = row["personalization"][0]["question"]
        line = {"item_id": row["item_id"], "quantity": 1, "customization": {question: "Ada & Bo"}}
        if row["sku"]:
            line["sku"] = row["sku"]
        (order_id,) = world.buy(line, mode="silent")

        order = connector.get_order(order_id)

        (said,) = order.personal.line_notes.values()
        assert [tuple(pair) for pair in said] == [(question, "Ada & Bo")]
        assert "Ada & Bo" not in str(order.lines[0].variation)

    def test_a_file_is_a_line_that_ships_nothing(self, connector: Etsy, world: World) -> None:
        row = next(row for row in world.listings() if row["digital"])
        line = {"sku": row["sku"], "quantity": 1} if row["sku"] else {"item_id": row["item_id"], "quantity": 1}
        (order_id,) = world.buy(line, {"sku": sku(world), "quantity": 1}, shipping="4.00", mode="silent")

        order = connector.get_order(order_id)

        assert [line.digital for line in order.lines] == [True, False]
        assert order.problem == ""

    def test_a_line_without_sku_has_its_listing(self, connector: Etsy, world: World) -> None:
        row = next(row for row in world.listings() if not row["sku"])
        line = {"item_id": row["item_id"], "variation_id": row["variation_id"], "quantity": 1}
        (order_id,) = world.buy(line, mode="silent")

        (read,) = connector.get_order(order_id).lines

        assert read.seller_sku == ""
        assert read.item_id.split(":")[0] == row["item_id"]
        assert dict(read.variation) == row["variation"]

    def test_a_gift_has_its_card(self, connector: Etsy, world: World) -> None:
        gift = {"message": "Happy birthday", "sender": "Bo"}
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, gift=gift, mode="silent")

        assert list(connector.get_order(order_id).personal.gift_messages.values()) == ["Happy birthday (Bo)"]

    def test_a_shipped_order_has_its_parcel(self, connector: Etsy, world: World) -> None:
        (order_id,) = world.buy({"sku": sku(world), "quantity": 2}, mode="silent")
        shipped = {"status": "shipped", "carrier": "dhl", "tracking": "JJD0001"}
        world.sandbox.control("PATCH", f"/accounts/etsy/{KEY}/orders/{order_id}", shipped)

        order = connector.get_order(order_id)

        assert (order.status, order.lines[0].quantity_shipped) == (OrderStatus.SHIPPED, 2)
        assert [(parcel.carrier, parcel.tracking_number) for parcel in order.parcels] == [("dhl", "JJD0001")]

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"status": "canceled"}, OrderStatus.CANCELED),
            ({"refund": True}, OrderStatus.REFUNDED),
            ({"refund": {"amount": "0.50"}}, OrderStatus.PAID),
        ],
    )
    def test_what_becomes_of_an_order(
        self, connector: Etsy, world: World, change: dict[str, Any], status: OrderStatus
    ) -> None:
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, mode="silent")
        world.sandbox.control("PATCH", f"/accounts/etsy/{KEY}/orders/{order_id}", change)

        order = connector.get_order(order_id)

        assert (order.problem, order.status) == ("", status)

    def test_an_order_of_a_status_etsy_never_had_is_read_by_what_is_paid(self, connector: Etsy, world: World) -> None:
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, mode="silent")
        world.fault("unknown_enum", operation="getShopReceipt", match=order_id)

        order = connector.get_order(order_id)

        assert (order.problem, order.status) == ("", OrderStatus.PAID)
        assert order.raw_status not in ("", "paid")

    def test_another_shops_order_is_not_found(self, connector: Etsy, open_etsy: Any) -> None:
        stranger: World = open_etsy(OTHER)[1]
        (order_id,) = stranger.buy({"sku": sku(stranger), "quantity": 1}, mode="silent")

        with pytest.raises(NotFound):
            connector.get_order(order_id)

    def test_another_shop_is_not_ours_to_read(self, open_etsy: Any, etsy_config: EtsyConfig) -> None:
        connector: Etsy = open_etsy(KEY)[0]
        foreign = Etsy(OTHER, "", connector._client._tokens, NoLimiter(), etsy_config)

        with pytest.raises(AccessDenied):
            foreign.list_orders(Window(after=datetime.now(UTC) - timedelta(hours=1)))


@pytest.mark.usefixtures("unlimited")
class TestCheck:
    def test_a_shop_that_gives_addresses_and_no_e_mail(self, connector: Etsy, world: World) -> None:
        world.buy({"sku": sku(world), "quantity": 1}, mode="silent")

        found = {finding.code: finding for finding in connector.check()}

        assert [code for code, finding in found.items() if finding.ok is not True] == []
        assert "does not give" in found["email"].sentence

    def test_a_shop_whose_addresses_etsy_keeps(self, open_etsy: Any) -> None:
        connector, world = open_etsy(OTHER)
        world.buy({"sku": sku(world), "quantity": 1}, mode="silent")

        found = {finding.code: finding for finding in connector.check()}

        assert found["address"].ok is False
        assert found["address"].fix


class TestLimits:
    """Etsy's own figures, learnt from its headers: the demo's are a hundred times those of a new application."""

    @pytest.fixture(autouse=True)
    def _nothing_used_up(self, sandbox: Any) -> Iterator[None]:
        sandbox.control("POST", "/limits", {"platform": "etsy", "profile": "demo"})
        yield
        sandbox.control("POST", f"/accounts/etsy/{KEY}/budget", {"used": 0})

    def test_the_pace_follows_what_etsy_allows_a_day(self, connector: Etsy) -> None:
        first = connector.sweep_seconds()

        connector.list_orders(Window(after=datetime.now(UTC) - timedelta(minutes=1)))

        assert connector.sweep_seconds() == pytest.approx(first / 100)

    def test_a_day_used_up_is_a_long_pause(self, world: World, connector: Etsy) -> None:
        connector.sites()
        world.sandbox.control("POST", f"/accounts/etsy/{KEY}/budget", {"used": 1_000_000})

        with pytest.raises(RateLimited) as caught:
            connector.list_orders(Window(after=datetime.now(UTC) - timedelta(minutes=1)))

        assert caught.value.ours is False
        assert 60 < caught.value.retry_after <= 86400

    def test_what_others_used_is_counted_too(self, world: World, open_etsy: Any, etsy_config: EtsyConfig) -> None:
        world.sandbox.control("POST", f"/accounts/etsy/{KEY}/budget", {"used": 400})
        budgets = Budgets()
        tokens = open_etsy(KEY)[0]._client._tokens

        Etsy(KEY, "", tokens, NoLimiter(), etsy_config, budgets=budgets).sites()

        assert budgets.limits == {"etsy:day": 1_000_000}
        ((_, used),) = budgets.corrected
        assert 400 <= used <= 410


# ── push ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def heard() -> Iterator[list[tuple[dict[str, str], bytes]]]:
    """The messages that reached our own web address, where a small server stands instead of our pages."""
    messages: list[tuple[dict[str, str], bytes]] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/webhooks/etsy":
                messages.append((dict(self.headers.items()), body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    parts = urlsplit(os.environ["SALESTIO_WEB_URL"])
    assert parts.hostname
    assert parts.port
    server = ThreadingHTTPServer((parts.hostname, parts.port), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield messages
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("unlimited")
class TestPush:
    def test_an_order_paid_reaches_us_signed_and_names_the_receipt(
        self, connector: Etsy, world: World, etsy_config: EtsyConfig, heard: list[tuple[dict[str, str], bytes]]
    ) -> None:
        (order_id,) = world.buy({"sku": sku(world), "quantity": 1}, mode="push")
        end = time.monotonic() + 10
        push = EtsyPush(etsy_config, NoLimiter())
        found: list[AccountEvent] = []
        while not found and time.monotonic() < end:
            events = [push.read(headers, body) for headers, body in list(heard)]
            found = [event for event in events if order_id in event.order_ids]
            time.sleep(0.02)

        assert found
        assert (found[0].topic, found[0].account_key) == (AccountTopic.ORDER, KEY)
        assert connector.get_order(found[0].order_ids[0]).status is OrderStatus.PAID


# ── consent ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def decide(url: str, *, shop: str, say: str = "approve") -> dict[str, str]:
    """Do what a seller does in a browser: open the consent page, choose the shop, agree. Return Etsy's query."""
    browser = requests.Session()
    page = browser.get(url, timeout=10)
    assert page.ok, page.text
    csrf = re.search(r'name="csrf" value="([^"]*)"', page.text)
    assert csrf is not None, page.text
    fields = {"csrf": unescape(csrf[1]), "shop": shop, "answer": say}
    answer = browser.post(url, data=fields, timeout=10, allow_redirects=False)
    assert answer.is_redirect, f"{answer.status_code} {answer.text[:300]}"
    assert answer.headers["Location"].startswith(BACK)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


@pytest.mark.usefixtures("unlimited")
class TestConsent:
    def test_a_seller_who_withdraws_and_agrees_again_is_served_again(
        self, open_etsy: Any, etsy_config: EtsyConfig
    ) -> None:
        connector, world = open_etsy(OTHER)
        after = datetime.now(UTC) - timedelta(minutes=1)
        connector.list_orders(Window(after=after))

        world.revoke()
        with pytest.raises(AuthorizationExpired):
            connector.list_orders(Window(after=after))

        auth = EtsyAuth(etsy_config)
        query = decide(auth.authorize_url(state="state-1", redirect_uri=BACK), shop=OTHER)
        assert query["state"] == "state-1"
        grant = auth.exchange(query=query, redirect_uri=BACK)
        assert grant.key == OTHER
        again = Etsy(grant.key, "", LiveTokens(auth, grant.refresh_token), NoLimiter(), etsy_config)
        assert [site.code for site in again.sites()] == ["ETSY"]

    def test_a_code_works_once_and_only_with_its_own_state(self, etsy_config: EtsyConfig) -> None:
        auth = EtsyAuth(etsy_config)
        query = decide(auth.authorize_url(state="state-2", redirect_uri=BACK), shop=OTHER)
        with pytest.raises(Rejected, match="connect again"):
            auth.exchange(query=query | {"state": "state-3"}, redirect_uri=BACK)

        query = decide(auth.authorize_url(state="state-2", redirect_uri=BACK), shop=OTHER)
        auth.exchange(query=query, redirect_uri=BACK)

        with pytest.raises(Rejected, match="connect again"):
            auth.exchange(query=query, redirect_uri=BACK)

    def test_a_seller_who_declines_is_told_so(self, etsy_config: EtsyConfig) -> None:
        auth = EtsyAuth(etsy_config)
        query = decide(auth.authorize_url(state="state-4", redirect_uri=BACK), shop=OTHER, say="deny")

        with pytest.raises(Rejected, match="declined"):
            auth.exchange(query=query, redirect_uri=BACK)

    def test_a_refresh_token_used_twice_asks_for_a_reconnect(
        self, open_etsy: Any, sandbox: Any, etsy_config: EtsyConfig
    ) -> None:
        auth = EtsyAuth(etsy_config)
        token = sandbox.control("GET", "/endpoints")["clients"]["etsy"]["refresh_tokens"][KEY]

        grant = auth.refresh(token, key=KEY)

        assert grant.refresh_token != token
        with pytest.raises(AuthorizationExpired):
            auth.refresh(token, key=KEY)
        assert auth.refresh(grant.refresh_token, key=KEY).access_token
