"""Read-only mode (F13): everything is read, nothing is sent, and what waited goes on when it is switched off."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from accounts import connect, connections, preferences, read_only
from accounts.models import MarketplaceAccount, Merchant, Store, User
from connectors import http
from inventory.models import Reservation
from orders import held_back, pipeline
from orders.models import Order, StoreOrder
from salestio import fingerprint, routes, tenancy
from salestio.models import SystemNote
from salestio.outbox.models import OutboxRow
from tests.orders.world import SHOP, World, run_due

SKU = "NP-MBL-200-W-S-FOR"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every call that left us, as "platform operation"."""
    made: list[str] = []
    monkeypatch.setattr(
        http, "before_call", [*http.before_call, lambda platform, operation: made.append(f"{platform} {operation}")]
    )
    return made


def switch(world: World, on: bool | None, where: str = "general") -> None:
    with tenancy.scope(world.merchant_id):
        target: Any = {
            "general": lambda: Merchant.objects.get(pk=world.merchant_id),
            "store": lambda: Store.objects.select_related("merchant").get(key=SHOP),
            "account": lambda: world.account(),
        }[where]()
        preferences.write(target, {"read_only": on}, actor="owner@example.com")


def written(world: World) -> int:
    return len(world.sandbox.control("GET", "/writes", limit=1000))


@pytest.mark.parametrize("where", ["general", "store", "account"])
def test_an_order_waits_with_its_units_kept_and_goes_on_when_read_only_is_switched_off(
    world: World, where: str
) -> None:
    world.set_stock(SKU, 5)
    switch(world, True, where)

    (reference,) = world.buy((SKU, 2))
    world.work(reference, until=("waiting",))

    order = world.order(reference)
    assert order is not None
    assert order.reason_code == "READ_ONLY"
    assert world.store_orders(reference) == []
    with tenancy.scope(world.merchant_id):
        kept = Reservation.objects.filter(order_ref=order.pk, state="kept")
        assert sum(kept.values_list("quantity", flat=True)) == 2

    switch(world, None if where != "general" else False, where)
    world.work(reference)

    assert len(world.store_orders(reference)) == 1


def test_waiting_in_read_only_mode_asks_nobody_and_is_told_once(world: World, calls: list[str]) -> None:
    world.set_stock(SKU, 5)
    switch(world, True)
    (reference,) = world.buy((SKU, 1))
    world.work(reference, until=("waiting",))
    calls.clear()

    for _ in range(3):
        with tenancy.scope(world.merchant_id):
            Order.objects.filter(marketplace_order_id=reference).update(next_attempt_at=now())
        pipeline.drain(world.merchant_id, world.store().pk)

    assert [call for call in calls if call.startswith("shopify")] == []
    assert world.events(reference).count("READ_ONLY") == 1
    assert world.events(reference).count("RESERVED") == 1


def test_a_persons_export_waits_too_and_says_why(world: World) -> None:
    world.set_stock(SKU, 5)
    switch(world, True)
    (reference,) = world.buy((SKU, 1))
    world.work(reference, until=("waiting",))
    order = world.order(reference)
    assert order is not None

    outcome = pipeline.advance(world.merchant_id, order.pk, actor="owner@example.com")

    assert (outcome.state, outcome.code) == ("waiting", "READ_ONLY")
    assert outcome.message == "Read-only mode is on for all stores and accounts: nothing is sent."
    assert world.store_orders(reference) == []


def test_no_change_of_any_kind_leaves_while_read_only_mode_is_on(world: World, calls: list[str]) -> None:
    """Every road that ends in a change outside is walked; the sandbox's own record of changes is the witness."""
    world.set_stock(SKU, 5)
    (made,) = world.buy((SKU, 1))
    world.work(made)
    order = world.order(made)
    assert order is not None
    switch(world, True)
    with tenancy.scope(world.merchant_id):
        MarketplaceAccount.objects.update(subscription_id="one")
    account, store = world.account(), world.store()
    with tenancy.scope(world.merchant_id):
        OutboxRow.objects.all().delete()
        routes.emit("order.canceled_while_sending", key=f"cancel:{order.pk}", store_id=store.pk, order_id=order.pk)
        routes.emit(
            "order.misplaced", key="part", store_id=store.pk, order_id=order.pk, part_id="gid://shopify/FulfillmentOrder/1",
            location_id=1, found_id=2, lines=[],
        )  # fmt: skip
        connect.on_store_connected(store.pk)
        connect._account_works(account)
        Order.objects.filter(pk=order.pk).update(status="canceled")
        owed = set(OutboxRow.objects.values_list("handler", flat=True)) - routes.READING
    before = written(world)
    calls.clear()

    (waiting,) = world.buy((SKU, 1))
    bought = written(world)
    world.work(waiting, until=("waiting",))
    run_due()
    connect.disconnect_account(world.merchant_id, account, actor="owner@example.com")

    assert written(world) == bought >= before
    assert not [call for call in calls if any(word in call.lower() for word in ("create", "cancel", "move", "delete"))]
    with tenancy.scope(world.merchant_id):
        rows = OutboxRow.objects.filter(state="pending", error_code="READ_ONLY")
        assert set(rows.values_list("handler", flat=True)) == owed
        assert set(rows.values_list("attempts", flat=True)) == {0}
        assert held_back.counted_words() == f"1 order and {len(owed)} other changes"
        kinds = {held.words for held in held_back.everything()}
    assert {"Cancel store orders", "Move store orders to another location", "Set up notifications in the store",
            "Set up notifications at the marketplace"} < kinds  # fmt: skip


def test_what_the_outbox_owes_goes_on_when_read_only_is_switched_off(world: World) -> None:
    switch(world, True)
    with tenancy.scope(world.merchant_id):
        OutboxRow.objects.all().delete()
        connect.on_store_connected(world.store().pk)
    run_due()
    with tenancy.scope(world.merchant_id):
        assert OutboxRow.objects.get(handler="accounts.connect.set_up_store").error_code == "READ_ONLY"

    switch(world, False)
    world.work_until(lambda: _done(world, "accounts.connect.set_up_store"))


def _done(world: World, handler: str) -> bool:
    with tenancy.scope(world.merchant_id):
        return OutboxRow.objects.filter(handler=handler, state="done").exists()


def test_a_store_and_an_account_may_differ_from_general(world: World) -> None:
    switch(world, True)
    switch(world, False, "store")
    switch(world, False, "account")
    account = world.account()

    with tenancy.scope(world.merchant_id):
        store = Store.objects.select_related("merchant").get(key=SHOP)
        assert read_only.stops(store=store, account=account, merchant_id=world.merchant_id) == ""


# ── a copied database ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def moved(db: None, settings: Any) -> None:
    """A database that was used at shop.example before, in production."""
    SystemNote.objects.update_or_create(
        name=fingerprint.NOTE, defaults={"value": {"host": "shop.example", "instance": "a"}}
    )
    settings.MODE = "production"
    settings.READ_ONLY = False


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:8000", "loopback"),
        ("http://localhost:9", "loopback"),
        ("https://[::1]/", "loopback"),
        ("https://App.Example.com:8443/x", "app.example.com"),
    ],
)
def test_scheme_and_port_do_not_count_and_loopback_names_are_one(url: str, host: str) -> None:
    assert fingerprint.host_of(url) == host


def test_the_first_start_remembers_its_place(db: None, settings: Any) -> None:
    settings.MODE = "production"
    SystemNote.objects.filter(name=fingerprint.NOTE).delete()

    assert fingerprint.elsewhere() is None
    assert SystemNote.objects.get(name=fingerprint.NOTE).value["host"] == fingerprint.own().host


def test_a_copied_database_is_read_only_until_the_owner_speaks_for_their_merchant(moved: None) -> None:
    from tests.factories import make_merchant

    merchant, other = make_merchant(), make_merchant("Harbour & Kiln")
    for cast in (merchant, other):
        with tenancy.scope(cast.id):
            assert read_only.stops(store=cast.store, merchant_id=cast.id) == "this installation"

    assert read_only.lift(merchant.id, actor="owner@example.com")

    with tenancy.scope(merchant.id):
        assert read_only.stops(store=merchant.store, merchant_id=merchant.id) == ""
    with tenancy.scope(other.id):
        assert read_only.stops(store=other.store, merchant_id=other.id) == "this installation"


def test_the_operators_word_counts_for_everybody(moved: None) -> None:
    from tests.factories import make_merchant

    merchant = make_merchant()

    read_only.accept_installation(actor="operator")

    with tenancy.scope(merchant.id):
        assert read_only.stops(store=merchant.store, merchant_id=merchant.id) == ""


def test_another_instance_under_the_same_name_is_a_copy_too(db: None, settings: Any) -> None:
    settings.MODE, settings.INSTANCE_ID = "production", "b"
    host = fingerprint.own().host
    SystemNote.objects.update_or_create(name=fingerprint.NOTE, defaults={"value": {"host": host, "instance": "a"}})

    assert fingerprint.elsewhere() is not None


def test_a_demo_that_moved_only_notes_it(moved: None, settings: Any) -> None:
    settings.MODE = "demo"

    assert fingerprint.elsewhere() is None
    assert SystemNote.objects.get(name=fingerprint.NOTE).value["host"] == fingerprint.own().host


def test_the_page_and_the_banner_say_so_and_the_owners_button_lifts_it(moved: None) -> None:
    from tests.factories import make_merchant

    merchant = make_merchant()
    client = Client()
    client.force_login(User.objects.get(pk=merchant.user.pk))

    page = client.get("/read-only/").content.decode()
    everywhere = client.get("/accounts/").content.decode()
    unsure = client.post("/read-only/lift/")
    still = client.get("/accounts/").content.decode()
    client.post("/read-only/lift/", {"sure": "on"})
    after = client.get("/accounts/").content.decode()

    assert "This is the right one" in page
    assert "last used at shop.example" in everywhere
    assert unsure.status_code == 302
    assert "last used at shop.example" in still
    assert "Read-only mode is on" not in after


def test_an_operator_who_switched_it_on_is_not_overruled(db: None, settings: Any) -> None:
    from tests.factories import make_merchant

    settings.READ_ONLY = True
    merchant = make_merchant()

    assert read_only.lift(merchant.id, actor="owner@example.com") is False
    with tenancy.scope(merchant.id):
        assert read_only.stops(store=merchant.store, merchant_id=merchant.id) == "this installation"
    assert connections.offered("amazon")


def creates(world: World, reference: str) -> int:
    return len([write for write in world.writes("order.create") if write["reference"] == reference])


@pytest.mark.parametrize("by_person", [False, True], ids=["by itself", "by a person's word"])
def test_an_unanswered_order_is_only_looked_up_while_read_only_mode_is_on_and_sent_once_after(
    world: World, calls: list[str], by_person: bool
) -> None:
    world.set_stock(SKU, 5)
    world.read(SKU)
    world.fault(platform="shopify", operation="orderCreate", kind="status", count=1, params={"code": 500})
    (reference,) = world.buy((SKU, 1))
    world.work(reference, until=("unknown",))
    switch(world, True)
    calls.clear()

    if by_person:
        pipeline.advance(world.merchant_id, world.known(reference).pk, actor="Ines", sure_not_there=True)
    world.work(reference, until=("waiting",))

    assert world.known(reference).reason_code == "READ_ONLY"
    assert not [call for call in calls if "create" in call.lower()]
    assert world.reserved(SKU) == 1

    switch(world, False)
    world.work(reference)

    assert (len(world.store_orders(reference)), creates(world, reference)) == (1, 1)


def test_an_order_found_after_all_in_read_only_mode_is_adopted_without_a_change(world: World) -> None:
    world.set_stock(SKU, 5)
    world.read(SKU)
    world.fault(platform="shopify", operation="orderCreate", kind="drop_after", count=1)
    world.fault(platform="shopify", operation="orderByIdentifier", kind="status", count=1, params={"code": 503})
    (reference,) = world.buy((SKU, 1))
    world.work(reference, until=("unknown",))
    switch(world, True)
    before = written(world)

    world.work(reference, until=("created",))

    assert written(world) == before
    assert creates(world, reference) == 1


def test_a_worker_lost_while_sending_leaves_an_order_that_read_only_mode_holds(world: World) -> None:
    world.set_stock(SKU, 5)
    world.read(SKU)
    switch(world, True)
    (reference,) = world.buy((SKU, 1))
    world.work(reference, until=("waiting",))
    with tenancy.scope(world.merchant_id):
        order = Order.objects.get(marketplace_order_id=reference)
        StoreOrder.objects.create(
            merchant_id=world.merchant_id, order=order, store=world.store(), account=world.account(), generation=1,
            marketplace_order_id=reference, sends=1, sent_at=now(),
            key=f"amazon:{world.seller}:{reference}:1", state="sending",
        )  # fmt: skip
        Order.objects.filter(pk=order.pk).update(export_state="sending", next_attempt_at=now())

    world.work(reference, until=("waiting",))
    assert creates(world, reference) == 0
    switch(world, False)
    world.work(reference)

    assert creates(world, reference) == 1
