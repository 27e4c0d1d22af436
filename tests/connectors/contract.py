"""The suites every connector passes, over HTTP against the real sandbox (EXEMPLARS section 5).

A platform's test module inherits the suite and gives the fixtures its docstring names:

    class TestAmazon(MarketplaceContract):
        @pytest.fixture
        def world(self, sandbox): return World(sandbox, platform="amazon", key="A1NORTHPINEUS")
        @pytest.fixture
        def connector(self, world): return Amazon(...)
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract.errors import (
    AuthorizationExpired,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TransientError,
)
from connectors.contract.marketplace import Marketplace, PushesOrders
from connectors.contract.storefront import Storefront
from connectors.contract.types import InventoryRule, MarketplaceOrder, StoreOrderDraft, StoreVariant, Window


class Tokens:
    """A `TokenSource` for tests: hands out the given tokens in turn, each until it is refused."""

    def __init__(self, *tokens: str) -> None:
        self.left = list(tokens)
        self.refusals: list[str] = []

    def current(self) -> str:
        if not self.left:
            raise AuthorizationExpired("no token is left")
        return self.left[0]

    def refused(self, token: str) -> None:
        self.refusals.append(token)
        if self.left and self.left[0] == token:
            self.left.pop(0)


@dataclass
class World:
    """One account or store of the sandbox, driven through its control API."""

    sandbox: Any
    platform: str
    key: str
    secrets: list[str] = field(default_factory=list)
    """Tokens and passwords of this account: none may show in a log."""

    def fault(self, kind: str, *, operation: str = "*", count: int = 1, **params: Any) -> None:
        """Let the next `count` calls fail in this way."""
        body = {"platform": self.platform, "operation": operation, "kind": kind, "count": count, "params": params}
        self.sandbox.control("POST", "/faults", body)

    def heal(self) -> None:
        """End all faults."""
        self.sandbox.control("DELETE", "/faults")

    def buy(self, *lines: dict[str, Any], **options: Any) -> list[str]:
        """Let a buyer order at this marketplace account; return the order ids."""
        path = f"/accounts/{self.platform}/{self.key}/orders"
        ids: list[str] = self.sandbox.control("POST", path, {"lines": list(lines), **options})["ids"]
        return ids

    def listings(self) -> list[dict[str, Any]]:
        """Return what this account offers."""
        found: list[dict[str, Any]] = self.sandbox.control("GET", f"/accounts/{self.platform}/{self.key}/listings")
        return found

    def revoke(self) -> None:
        """Withdraw the permission, as the seller or the merchant would."""
        self.sandbox.control("POST", f"/accounts/{self.platform}/{self.key}/revoke", {})


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """A function that returns all that was logged, at every level and with every extra."""
    caplog.set_level(logging.DEBUG)
    yield lambda: "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)


class _Faults:
    """Faults end with the test that made them."""

    @pytest.fixture(autouse=True)
    def _no_faults_left(self, world: World) -> Iterator[None]:
        world.heal()
        yield
        world.heal()


READ_FAILURES = [
    pytest.param("status", {"code": 500}, id="500"),
    pytest.param("status", {"code": 503}, id="503"),
    pytest.param("html", {}, id="maintenance page"),
    pytest.param("truncate", {}, id="half an answer"),
    pytest.param("drop_after", {}, id="dropped connection"),
]


class MarketplaceContract(_Faults):
    """Fixtures to give: `world` (a `World`), `connector` (signed in), `placed` (a time, and the ids of paid orders
    placed after it that the list shows by now), `destination` (where order changes may be sent). `list_operation` is
    the platform's own name of the list call, for faults."""

    list_operation = "*"

    @pytest.fixture
    def world(self, sandbox: Any) -> World:
        raise NotImplementedError

    @pytest.fixture
    def connector(self, world: World) -> Marketplace:
        raise NotImplementedError

    def pull(self, connector: Marketplace, *, since: datetime, by_creation: bool = False) -> list[MarketplaceOrder]:
        """Return every order of a window, over all its pages."""
        found: list[MarketplaceOrder] = []
        token = ""
        for _ in range(50):
            page = connector.list_orders(Window(after=since, by_creation=by_creation, page_token=token))
            found += page.items
            token = page.next_token
            if not token:
                return found
        raise AssertionError("the pages do not end")

    def test_pages_end_and_bring_every_order_once(
        self, connector: Marketplace, world: World, placed: tuple[datetime, list[str]]
    ) -> None:
        since, ids = placed

        found = [order.order_id for order in self.pull(connector, since=since)]

        assert set(ids) <= set(found)
        assert len(found) == len(set(found))

    def test_orders_come_oldest_first_with_aware_times_and_money_that_adds_up(
        self, connector: Marketplace, placed: tuple[datetime, list[str]]
    ) -> None:
        since, ids = placed

        page = connector.list_orders(Window(after=since))

        assert [order.updated_at for order in page.items] == sorted(order.updated_at for order in page.items)
        for order in (order for order in page.items if order.order_id in ids):
            assert order.problem == ""
            assert order.purchased_at.utcoffset() == timedelta(0)
            assert order.updated_at.utcoffset() == timedelta(0)
            assert len(order.currency) == 3
            assert order.total == sum((line.total for line in order.lines), Decimal(0))
        assert page.bound is not None

    def test_one_order_reads_as_it_does_in_the_list(
        self, connector: Marketplace, placed: tuple[datetime, list[str]]
    ) -> None:
        since, ids = placed
        listed = {order.order_id: order for order in self.pull(connector, since=since)}

        order = connector.get_order(ids[0])

        assert replace(order, raw={}) == replace(listed[ids[0]], raw={})

    def test_an_order_nobody_placed_is_not_found(self, connector: Marketplace) -> None:
        with pytest.raises(NotFound):
            connector.get_order("999-9999999-9999999")

    @pytest.mark.parametrize(("kind", "params"), READ_FAILURES)
    def test_a_list_that_fails_is_transient(
        self, connector: Marketplace, world: World, kind: str, params: dict[str, Any]
    ) -> None:
        world.fault(kind, operation=self.list_operation, **params)

        with pytest.raises(TransientError) as caught:
            connector.list_orders(Window(after=datetime.now(UTC) - timedelta(hours=1)))

        assert not isinstance(caught.value, RateLimited)

    def test_a_throttled_call_says_how_long_to_wait(self, connector: Marketplace, world: World) -> None:
        world.fault("throttle", operation=self.list_operation)

        with pytest.raises(RateLimited) as caught:
            connector.list_orders(Window(after=datetime.now(UTC) - timedelta(hours=1)))

        assert caught.value.retry_after > 0
        assert caught.value.ours is False

    def test_an_order_of_a_new_kind_is_held_with_a_reason_and_its_page_goes_on(
        self, connector: Marketplace, world: World, placed: tuple[datetime, list[str]]
    ) -> None:
        since, ids = placed
        world.fault("unknown_enum", operation=self.list_operation, match=ids[0])

        found = {order.order_id: order for order in self.pull(connector, since=since)}

        assert set(ids) <= set(found)

    def test_the_seller_may_sell_somewhere_and_the_sweep_has_a_pace(self, connector: Marketplace) -> None:
        sites = connector.sites()

        assert sites
        assert all(site.code and site.currency and site.marketplace_id for site in sites)
        # An order's row has room for no more.
        assert all(len(site.code) <= 10 for site in sites)
        assert connector.sweep_seconds() > 0

    def test_subscribing_twice_gives_one_subscription(self, connector: Marketplace, destination: str) -> None:
        assert isinstance(connector, PushesOrders)

        first = connector.subscribe(destination)
        second = connector.subscribe(destination)

        assert first == second

    def test_a_subscription_may_be_ended_twice(self, connector: Marketplace, destination: str) -> None:
        assert isinstance(connector, PushesOrders)
        subscription = connector.subscribe(destination)

        connector.unsubscribe(subscription)
        connector.unsubscribe(subscription)

        assert connector.subscribe(destination)

    def test_no_token_reaches_a_log(
        self, connector: Marketplace, world: World, everything_logged: Callable[[], str]
    ) -> None:
        world.fault("status", operation=self.list_operation, code=500)
        with pytest.raises(TransientError):
            connector.list_orders(Window(after=datetime.now(UTC) - timedelta(hours=1)))
        connector.list_orders(Window(after=datetime.now(UTC) - timedelta(hours=1)))

        logged = everything_logged()

        assert logged
        assert world.secrets
        assert [secret for secret in world.secrets if secret in logged] == []


class StorefrontContract(_Faults):
    """Fixtures to give: `world` (a `World`), `store` (signed in), `variant` (tracked, with at least five units at one
    location), `draft` (a function: keyword arguments of `dataclasses.replace` → a fresh `StoreOrderDraft` of one unit
    of that variant). `create_operation` and `read_operation` name the platform's operations for faults."""

    create_operation = "*"
    read_operation = "*"

    @pytest.fixture
    def world(self, sandbox: Any) -> World:
        raise NotImplementedError

    @pytest.fixture
    def store(self, world: World) -> Storefront:
        raise NotImplementedError

    @pytest.fixture
    def variant(self, store: Storefront) -> StoreVariant:
        raise NotImplementedError

    @pytest.fixture
    def draft(self, variant: StoreVariant) -> Callable[..., StoreOrderDraft]:
        raise NotImplementedError

    def available(self, store: Storefront, variant: StoreVariant) -> int:
        """Return the units the store shows for the variant, over all locations."""
        reading = store.read_stock([variant.item_id])
        return sum(figure.available for figure in reading.figures if figure.item_id == variant.item_id)

    def test_a_created_order_is_found_by_its_key_with_the_total_we_sent(
        self, store: Storefront, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        wanted = draft()

        created = store.create_order(wanted)
        found = store.find_by_key(wanted.key, wanted.reference)

        assert [order.id for order in found] == [created.id]
        assert found[0].key == wanted.key
        assert created.total == wanted.total
        assert created.name

    def test_a_key_nobody_used_finds_nothing(self, store: Storefront, draft: Callable[..., StoreOrderDraft]) -> None:
        unused = draft()

        assert list(store.find_by_key(unused.key, unused.reference)) == []

    def test_orders_are_searched_by_the_marketplace_order_id(
        self, store: Storefront, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        wanted, other = draft(), draft()
        created = store.create_order(wanted)

        found = store.search_orders([wanted.reference, other.reference])

        assert [order.id for order in found.get(wanted.reference, ())] == [created.id]
        assert list(found.get(other.reference, ())) == []

    def test_an_order_takes_its_units_from_stock(
        self, store: Storefront, variant: StoreVariant, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        before = self.available(store, variant)

        store.create_order(draft())

        assert self.available(store, variant) == before - 1

    def test_an_order_that_shall_leave_stock_alone_does(
        self, store: Storefront, variant: StoreVariant, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        before = self.available(store, variant)

        store.create_order(draft(inventory=InventoryRule.NONE))

        assert self.available(store, variant) == before

    def test_a_settling_read_says_where_the_order_was_placed(
        self, store: Storefront, variant: StoreVariant, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        created = store.create_order(draft())

        reading = store.read_stock([variant.item_id], order_ids=[created.id])

        placed = [placement for placement in reading.placements if placement.order_id == created.id]
        assert sum(placement.quantity for placement in placed) == 1
        assert {placement.variant_id for placement in placed} == {variant.id}
        assert {placement.location_id for placement in placed} <= {place.id for place in store.locations()}

    def test_canceling_twice_does_no_harm_and_gives_the_units_back_once(
        self, store: Storefront, variant: StoreVariant, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        before = self.available(store, variant)
        created = store.create_order(draft())

        store.cancel_order(created.id, restock=True, note="canceled at the marketplace")
        store.cancel_order(created.id, restock=True, note="canceled at the marketplace")

        canceled = store.get_order(created.id)
        assert canceled is not None
        assert canceled.canceled
        assert self.available(store, variant) == before

    @pytest.mark.parametrize(
        ("kind", "params", "made"),
        [
            pytest.param("status", {"code": 500}, 0, id="500 before the work"),
            pytest.param("status_after", {"code": 500}, 1, id="500 after the work"),
            pytest.param("drop_after", {}, 1, id="dropped after the work"),
            pytest.param("html", {}, 0, id="maintenance page"),
        ],
    )
    def test_a_create_without_a_clear_answer_is_unknown_and_the_look_up_tells(
        self,
        store: Storefront,
        world: World,
        draft: Callable[..., StoreOrderDraft],
        kind: str,
        params: dict[str, Any],
        made: int,
    ) -> None:
        wanted = draft()
        world.fault(kind, operation=self.create_operation, **params)

        with pytest.raises(OutcomeUnknown):
            store.create_order(wanted)

        assert len(store.find_by_key(wanted.key, wanted.reference)) == made

    def test_a_throttled_create_made_nothing_and_says_how_long_to_wait(
        self, store: Storefront, world: World, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        wanted = draft()
        world.fault("throttle", operation=self.create_operation)

        with pytest.raises(RateLimited) as caught:
            store.create_order(wanted)

        assert caught.value.retry_after > 0
        assert list(store.find_by_key(wanted.key, wanted.reference)) == []

    @pytest.mark.parametrize(("kind", "params"), READ_FAILURES)
    def test_a_read_that_fails_is_transient(
        self, store: Storefront, world: World, variant: StoreVariant, kind: str, params: dict[str, Any]
    ) -> None:
        world.fault(kind, operation=self.read_operation, **params)

        with pytest.raises(TransientError):
            store.read_stock([variant.item_id])

    def test_the_catalog_ends_and_shows_every_variant_once(self, store: Storefront, variant: StoreVariant) -> None:
        seen: list[str] = []
        token = ""
        for _ in range(500):
            page = store.list_variants(after_token=token)
            seen += [found.id for found in page.items]
            token = page.next_token
            if not token:
                break

        assert token == ""
        assert variant.id in seen
        assert len(seen) == len(set(seen))

    def test_a_product_that_is_gone_has_no_variants(self, store: Storefront, variant: StoreVariant) -> None:
        gone = _unused_id(variant.product_id)

        found = store.get_products([variant.product_id, gone])

        assert variant.id in {one.id for one in found[variant.product_id]}
        assert list(found[gone]) == []

    def test_a_variant_is_found_by_what_a_person_types(self, store: Storefront, variant: StoreVariant) -> None:
        found: Sequence[StoreVariant] = store.find_variants(variant.sku)

        assert variant.id in {one.id for one in found}

    def test_the_store_has_a_name_a_currency_and_places(self, store: Storefront) -> None:
        info = store.info()

        assert info.name
        assert len(info.currency) == 3
        assert info.claims_stock in {"at_creation", "at_shipping", "never"}
        assert any(place.active for place in store.locations())

    def test_setting_up_twice_leaves_nothing_to_do(self, store: Storefront, world: World) -> None:
        address = f"{world.sandbox.url}/_nowhere"
        store.set_up(webhook_url=address)

        again = store.set_up(webhook_url=address)

        assert list(again.missing) == []

    def test_an_order_that_does_not_exist_is_none(
        self, store: Storefront, draft: Callable[..., StoreOrderDraft]
    ) -> None:
        created = store.create_order(draft())

        assert store.get_order(_unused_id(created.id)) is None

    def test_no_token_reaches_a_log(
        self,
        store: Storefront,
        world: World,
        draft: Callable[..., StoreOrderDraft],
        everything_logged: Callable[[], str],
    ) -> None:
        world.fault("status", operation=self.create_operation, code=500)
        with pytest.raises(OutcomeUnknown):
            store.create_order(draft())
        store.create_order(draft())

        logged = everything_logged()

        assert logged
        assert world.secrets
        assert [secret for secret in world.secrets if secret in logged] == []


def _unused_id(known: str) -> str:
    """Return an id of the same form that nothing has."""
    head = known.rstrip("0123456789")
    return f"{head}{'9' * max(12, len(known) - len(head))}"
