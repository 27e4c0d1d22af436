"""A buyer's personal data stands in one table, sealed, and goes when its time has come (MECHANISMS 13, RELIABILITY 3.5).

An order is placed at the sandbox's Amazon by a buyer whose name, address and words occur nowhere else; it is imported,
exported, looked at, searched for, refused, and erased in every way there is. Then everything we keep is searched.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils.timezone import now

from accounts import erasure
from accounts.models import ApiToken, Credential, Membership, Merchant, Store, User
from connectors.contract.types import Parcel
from orders import change, personal
from orders.models import Buyer, Order, OrderEvent
from salestio import routes, tenancy
from tests import canaries
from tests.canaries import BUYER, SECRETS, WORDS, Planted
from tests.factories import Cast, make_merchant
from tests.orders.conftest import start, world  # noqa: F401  fixtures
from tests.orders.world import World

pytestmark = pytest.mark.django_db

PEOPLE = {name: WORDS[name] for name in ("member", "member name", "invited")}


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that is logged, down to DEBUG, as it would be written."""
    caplog.set_level(logging.DEBUG)
    yield caplog


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return all records with whatever is attached to them: a formatter may write any of it."""
    return "\n".join(f"{record.getMessage()} {record.__dict__} {record.exc_text or ''}" for record in caplog.records)


def mailed() -> str:
    """Return every mail sent."""
    return "\n".join(f"{message.to} {message.subject} {message.body} {message.alternatives}" for message in mail.outbox)  # type: ignore[attr-defined]


def nothing_readable(
    merchant_id: int, url: str, caplog: pytest.LogCaptureFixture, words: dict[str, str] = BUYER
) -> None:
    """Assert that no word stands readable in a table, in Redis, in a log line or in a mail."""
    assert canaries.in_tables(merchant_id, words) == []
    assert canaries.in_redis(url, words) == []
    assert canaries.found_in(logged(caplog), words) == []
    assert canaries.found_in(mailed(), words) == []


@pytest.fixture
def planted(db: None, redis_url: str) -> Planted:
    return canaries.plant(make_merchant())


def browser_of(cast: Cast) -> Client:
    """Return a browser in which the cast's owner is signed in."""
    client = Client(raise_request_exception=False)
    client.force_login(cast.user)
    return client


def buyers(merchant_id: int) -> int:
    """Return how many buyers of a merchant are kept."""
    with tenancy.scope(merchant_id):
        return Buyer.objects.count()


# ── where it stands ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_search_sees_what_is_not_sealed(planted: Planted) -> None:
    with tenancy.scope(planted.cast.id):
        Buyer.objects.filter(order_id=planted.order).update(raw_sealed=BUYER["phone"].encode())
        OrderEvent.objects.filter(order_id=planted.order).update(data={"said": f"no {BUYER['city'].upper()}"})

    found = canaries.in_tables(planted.cast.id, BUYER)

    assert sorted(found) == ["orders_buyer: phone", "orders_orderevent: city"]


def test_an_imported_order_that_was_looked_at_searched_and_edited_leaves_no_word_outside_the_sealed_row(
    planted: Planted, redis_url: str, logs: pytest.LogCaptureFixture
) -> None:
    browser, order = browser_of(planted.cast), f"/orders/{planted.order}/"

    page = browser.get(order).content.decode()
    for word in BUYER.values():
        browser.get("/orders/", {"q": word, "buyer": word, "placed": "all"})
        browser.post("/orders/fetch/", {"account": "0", "marketplace_order_id": word})
    for path in ("live/", "address/", "lines/1/change/", "confirm/anyway/"):
        browser.get(order + path)
    sent = {"name": BUYER["recipient"], "line1": BUYER["street"], "line2": BUYER["second line"], "city": BUYER["city"],
            "postal_code": BUYER["postal code"], "country": "GB", "phone": BUYER["phone"]}  # fmt: skip
    assert browser.post(order + "address/", sent | {"country": "Britain"}).status_code == 422
    assert browser.post(order + "address/", sent).status_code == 302

    assert {"buyer name", "street", "city", "postal code"} <= set(canaries.found_in(page, BUYER)), (
        "the merchant may read it"
    )
    nothing_readable(planted.cast.id, redis_url, logs)


def test_a_buyer_is_found_by_name_and_e_mail_although_nothing_is_readable(planted: Planted) -> None:
    browser = browser_of(planted.cast)

    for name in ("buyer name", "buyer e-mail", "postal code", "recipient"):
        text = browser.get("/orders/", {"buyer": BUYER[name], "placed": "all"}).content.decode()
        assert f"/orders/{planted.order}/" in text, name


def test_the_api_tells_programs_nothing_personal(planted: Planted) -> None:
    headers = {"Authorization": f"Bearer {planted.secrets['API token']}"}

    for path in (
        "orders",
        f"orders/{planted.order}",
        f"orders/{planted.order}/events",
        "accounts",
        "stores",
        "summary",
        "sku-mappings",
    ):
        answer = Client().get(f"/api/v1/{path}", headers=headers)
        assert answer.status_code == 200
        assert canaries.found_in(answer.content.decode(), BUYER | SECRETS) == [], path


def test_support_sees_the_payload_masked(planted: Planted) -> None:
    with tenancy.scope(planted.cast.id):
        order = Order.objects.get(pk=planted.order)
        Buyer.objects.filter(order_id=order.pk).update(
            raw_sealed=personal.seal_raw({
                "orderId": order.marketplace_order_id,
                "buyer": {"buyerName": BUYER["buyer name"], "buyerEmail": BUYER["buyer e-mail"], "buyerCompanyName": BUYER["company"],
                          "buyerPurchaseOrderNumber": BUYER["purchase order"]},
                "recipient": {"deliveryAddress": {"name": BUYER["recipient"], "addressLine1": BUYER["street"], "city": BUYER["city"],
                              "addressLine2": BUYER["second line"], "postalCode": BUYER["postal code"], "phone": BUYER["phone"]},
                              "deliveryPreference": {"addressInstruction": BUYER["delivery note"]}},
                "orderItems": [{"packing": {"giftOption": {"giftMessage": BUYER["gift message"]}},
                                "product": {"customization": {"customizedUrl": BUYER["customization link"]}}}],
            })
        )  # fmt: skip
        shown = str(personal.raw(order))

    assert WORDS["order id"] in shown
    assert canaries.found_in(shown, BUYER) == []


# ── the whole way ────────────────────────────────────────────────────────────────────────────────────────────────────

SKU = "NP-MBL-200-W-S-FOR"
PLACED = {"name": BUYER["recipient"], "email": BUYER["buyer e-mail"]}


def of_buyer(world: World, reference: str) -> dict[str, str]:
    """Return what identifies this order's buyer, as it was sealed: the sandbox chooses the address."""
    with tenancy.scope(world.merchant_id):
        kept = personal.details(Order.objects.get(marketplace_order_id=reference))
    assert kept is not None and kept.shipping is not None, "the buyer came along"
    assert (kept.buyer_name, kept.shipping.name) == (BUYER["recipient"], BUYER["recipient"])
    return {
        "name": kept.buyer_name,
        "e-mail": kept.buyer_email,
        "street": kept.shipping.line1,
        "phone": kept.shipping.phone,
    }


@pytest.mark.django_db(transaction=True)
def test_an_order_that_went_all_the_way_leaves_its_buyer_in_one_table_only(
    world: World,
    redis_url: str,
    logs: pytest.LogCaptureFixture,
) -> None:
    world.set_stock(SKU, 5)
    (gone,) = world.buy((SKU, 1), buyer=PLACED)
    world.work(gone)
    (store_order,) = world.store_orders(gone)

    order = world.order(gone)
    assert order is not None and order.store_order_name == store_order["name"]
    nothing_readable(world.merchant_id, redis_url, logs, of_buyer(world, gone))


@pytest.mark.django_db(transaction=True)
def test_a_store_that_answers_with_the_buyers_own_words_does_not_bring_them_into_the_log(
    world: World,
    redis_url: str,
    logs: pytest.LogCaptureFixture,
) -> None:
    world.set_stock(SKU, 5)
    refusal = f"Shipping address of {BUYER['recipient']} is invalid, and so is {BUYER['buyer e-mail']}"
    world.fault(
        platform="shopify", operation="orderCreate", kind="refuse", params={"code": "INVALID", "message": refusal}
    )
    try:
        (held,) = world.buy((SKU, 1), buyer=PLACED)
        world.work(held)
    finally:
        world.mend()

    order = world.order(held)
    assert order is not None and order.export_state == "held", "refused, and says so"
    nothing_readable(world.merchant_id, redis_url, logs, of_buyer(world, held))


# ── when its time has come ───────────────────────────────────────────────────────────────────────────────────────────


def delivered_order(cast: Cast, delivered_days_ago: float) -> int:
    """Import an order whose only parcel was delivered so many days ago."""
    at = now() - timedelta(days=delivered_days_ago)
    parcel = Parcel("P1", shipped_at=at - timedelta(days=1), delivered_at=at)
    return canaries.save_order(cast, "701-9174100-0000777", purchased_at=at - timedelta(days=2), parcels=(parcel,))


def test_thirty_days_and_an_hour_after_delivery_no_word_is_left_and_the_totals_stay(
    planted: Planted, redis_url: str, logs: pytest.LogCaptureFixture
) -> None:
    with tenancy.scope(planted.cast.id):
        Order.objects.filter(pk__in=[planted.order, planted.stored_order]).delete()
        type(planted.cast.account).objects.update(orders_from=now() - timedelta(days=90))
    order_id = delivered_order(planted.cast, 10)
    with tenancy.scope(planted.cast.id):
        total = Order.objects.get(pk=order_id).total

    personal.purge(planted.cast.id, at=now() + timedelta(days=19, hours=23))
    assert buyers(planted.cast.id) == 1, "an hour before, it is still needed"
    personal.purge(planted.cast.id, at=now() + timedelta(days=20, hours=1))

    assert buyers(planted.cast.id) == 0
    with tenancy.scope(planted.cast.id):
        order = Order.objects.get(pk=order_id)
        assert (order.total, personal.details(order), personal.raw(order)) == (total, None, None)
        assert OrderEvent.objects.filter(order=order, code="BUYER_ERASED").count() == 1
    nothing_readable(planted.cast.id, redis_url, logs)
    page = browser_of(planted.cast).get(f"/orders/{order_id}/")
    assert page.status_code == 200
    assert canaries.found_in(page.content.decode(), BUYER) == []
    for word in BUYER.values():
        assert (
            f"/orders/{order_id}/"
            not in browser_of(planted.cast).get("/orders/", {"buyer": word, "placed": "all"}).content.decode()
        )


def test_the_nightly_job_purges_every_merchant(planted: Planted) -> None:
    from salestio import jobs

    other = make_merchant("Stranger & Sons")
    canaries.save_order(other, "701-9174100-0000900")

    jobs.run("purge", at=now() + timedelta(days=400))

    assert (buyers(planted.cast.id), buyers(other.id)) == (0, 0)


def test_an_update_after_the_purge_does_not_bring_the_buyer_back(planted: Planted) -> None:
    personal.purge(planted.cast.id, at=now() + timedelta(days=400))
    assert buyers(planted.cast.id) == 0

    canaries.save_order(planted.cast, updated_at=now())

    assert buyers(planted.cast.id) == 0


@pytest.mark.parametrize("by", ["store order", "e-mail"])
def test_a_customer_who_asks_to_be_erased_is_gone_everywhere(
    planted: Planted, redis_url: str, logs: pytest.LogCaptureFixture, by: str
) -> None:
    asked = (
        {"order_ids": [WORDS["store order id"]]} if by == "store order" else {"email": BUYER["buyer e-mail"].upper()}
    )

    with tenancy.scope(planted.cast.id):
        routes.emit("buyer.erase", store_id=planted.cast.store.pk, **asked)

    with tenancy.scope(planted.cast.id):
        left = list(Buyer.objects.values_list("order_id", flat=True))
    assert left == ([planted.order] if by == "store order" else [])
    nothing_readable(planted.cast.id, redis_url, logs)
    assert (
        canaries.found_in(browser_of(planted.cast).get(f"/orders/{planted.stored_order}/").content.decode(), BUYER)
        == []
    )


def test_erasing_one_merchants_customer_leaves_anothers_order_alone(planted: Planted) -> None:
    other = make_merchant("Stranger & Sons")
    canaries.save_order(other, "701-9174100-0000900")

    with tenancy.scope(planted.cast.id):
        routes.emit("buyer.erase", store_id=planted.cast.store.pk, email=BUYER["buyer e-mail"])

    assert (buyers(planted.cast.id), buyers(other.id)) == (0, 1)


# ── when a store or merchant leaves ──────────────────────────────────────────────────────────────────────────────────


def second_store(cast: Cast) -> Store:
    """Give the merchant another store, which stays."""
    with tenancy.scope(cast.id):
        return Store.objects.create(merchant=cast.merchant, platform="shopify", key="stays.myshopify.com", name="Stays")


def test_erasing_a_store_leaves_none_of_its_buyers_and_tokens_and_keeps_the_merchant(
    planted: Planted, redis_url: str, logs: pytest.LogCaptureFixture
) -> None:
    second_store(planted.cast)

    with tenancy.scope(planted.cast.id):
        erasure.erase_store(planted.cast.id, Store.objects.get(pk=planted.cast.store.pk), actor="the store asked")

    assert buyers(planted.cast.id) == 0
    with tenancy.scope(planted.cast.id):
        assert [(bytes(row.access_sealed), bytes(row.refresh_sealed)) for row in Credential.objects.all()] in (
            [],
            [(b"", b"")] * 2,
        )
        assert Membership.objects.filter(merchant_ref=planted.cast.id).count() == 2
    nothing_readable(planted.cast.id, redis_url, logs, BUYER | SECRETS)


def test_erasing_the_last_store_leaves_nobody_and_nothing_that_opens_anything(planted: Planted) -> None:
    members = {"owner": planted.cast.user.email, **PEOPLE}

    with tenancy.scope(planted.cast.id):
        erasure.erase_store(planted.cast.id, Store.objects.get(pk=planted.cast.store.pk), actor="the store asked")

    merchant_id = planted.cast.id
    assert buyers(merchant_id) == 0
    assert canaries.in_tables(merchant_id, BUYER | planted.secrets) == []
    assert canaries.in_tables(merchant_id, members) == []
    assert not User.objects.filter(pk__in=[planted.cast.user.pk, planted.ids["user"]]).exists()
    assert not ApiToken.objects.filter(merchant_ref=merchant_id, revoked_at=None).exists()
    with tenancy.scope(merchant_id):
        assert Merchant.objects.filter(pk=merchant_id).exists(), "a store key belongs to one merchant for ever"
        assert Order.objects.filter(pk=planted.order).exists(), "numbers stay"
    assert (
        Client().get("/api/v1/orders", headers={"Authorization": f"Bearer {planted.secrets['API token']}"}).status_code
        == 401
    )


def test_a_merchant_that_left_is_erased_by_the_job_and_a_stranger_is_not(planted: Planted) -> None:
    other = make_merchant("Stranger & Sons")
    canaries.save_order(other, "701-9174100-0000900")
    with tenancy.scope(planted.cast.id):
        Store.objects.update(state="disabled", state_reason="uninstalled", uninstalled_at=now() - timedelta(days=31))

    for merchant_id in (planted.cast.id, other.id):
        erasure.erase_due(merchant_id, now())

    assert (buyers(planted.cast.id), buyers(other.id)) == (0, 1)


def test_editing_or_asking_again_after_erasure_says_so_and_keeps_nothing(planted: Planted, any_address: Any) -> None:
    with tenancy.scope(planted.cast.id):
        personal.erase([planted.order], why="test")

    with pytest.raises(change.CannotChange):
        change.edit_address(planted.cast.id, planted.order, any_address, actor="x")

    assert buyers(planted.cast.id) == 1, "the other order's"


@pytest.fixture
def any_address() -> Any:
    """An address a person could type."""
    return canaries.personal().shipping
