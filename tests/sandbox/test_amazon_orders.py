"""searchOrders, getOrder, confirmShipment: what a seller's program sees of buyers' orders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.conftest import CA, EVERYTHING, SKU, UK, US, Seller


def everything(seller: Seller, **query: Any) -> list[str]:
    """Read all pages; returns the order ids as they came."""
    ids: list[str] = []
    token = ""
    while True:
        page = seller.search(**query, **({"paginationToken": token} if token else {}))
        assert page.status_code == 200, page.text
        ids += [order["orderId"] for order in page.json()["orders"]]
        if "pagination" not in page.json():
            return ids
        token = page.json()["pagination"]["nextToken"]


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [1, 7, 20, 25, 100])
def test_pages_hold_every_order_once_whatever_their_size(seller: Seller, size: int) -> None:
    placed = seller.place(count=25)

    assert sorted(everything(seller, maxResultsPerPage=size)) == sorted(placed)


def test_a_page_says_up_to_when_it_read(seller: Seller) -> None:
    before = datetime.now(UTC)
    page = seller.search().json()

    bound = datetime.fromisoformat(page["lastUpdatedBefore"])
    assert before - timedelta(seconds=2) <= bound <= datetime.now(UTC)
    assert "createdBefore" not in page
    assert "createdBefore" in seller.search(createdAfter="2026-01-01T00:00:00Z").json()


def test_a_list_shows_an_order_as_it_stands_after_every_change(seller: Seller) -> None:
    (order_id,) = seller.place(status="pending")

    def listed(included: str = EVERYTHING) -> Any:
        return seller.search(includedData=included).json()["orders"]

    changes: list[dict[str, Any]] = [
        {"status": "paid"},
        {"buyer": {"name": "Ada Byron", "company": "Engines Ltd"}},
        {"lines": [{"sku": SKU, "quantity": 3}]},
        {"cancel_request": True},
        {"status": "shipped"},
    ]
    assert listed() == [seller.order(order_id)]
    for change in changes:
        before = listed()
        seller.patch(order_id, **change)
        assert listed() != before and listed() == [seller.order(order_id)], change
    assert listed("BUYER") == [seller.order(order_id, "BUYER")], "other data, another text"
    seller.sandbox.control("POST", "/roles", {"restricted_roles": False})
    hidden = listed()
    seller.sandbox.control("POST", "/roles", {"restricted_roles": True})
    assert "buyerName" not in hidden[0]["buyer"] and "buyerName" in listed()[0]["buyer"]


def test_a_list_gives_a_fresh_link_to_what_the_buyer_made(seller: Seller) -> None:
    seller.place(lines=[{"sku": SKU, "customization": True}])

    def link() -> Any:
        return seller.search().json()["orders"][0]["orderItems"][0]["product"]["customization"]["customizedUrl"]

    old = link()
    seller.sandbox.control("POST", "/clock", {"advance_seconds": 60})
    assert link() != old


def test_a_list_shows_a_change_as_late_as_the_profile_says(seller: Seller) -> None:
    seller.sandbox.control("POST", "/limits", {"platform": "amazon", "profile": "off", "list_delay_seconds": 60})
    placed = seller.place()

    assert everything(seller) == []
    assert seller.order(placed[0])["orderId"] == placed[0], "getOrder knows it at once"
    seller.sandbox.control("POST", "/clock", {"advance_seconds": 61})
    assert everything(seller) == placed


def test_an_order_changed_between_pages_is_on_the_next_sweep(seller: Seller) -> None:
    placed = seller.place(count=4)
    first = seller.search(maxResultsPerPage=2).json()
    late = next(order_id for order_id in placed if order_id not in {o["orderId"] for o in first["orders"]})
    seller.patch(late, status="shipped")

    rest = seller.search(maxResultsPerPage=2, paginationToken=first["pagination"]["nextToken"]).json()
    again = everything(seller, lastUpdatedAfter=first["lastUpdatedBefore"])

    assert late not in [order["orderId"] for order in rest["orders"]]
    assert late in again


def test_filters_hold_status_site_and_who_ships(outlet: Seller) -> None:
    ca = outlet.place(site="CA", lines=[{"sku": SKU}])
    fba = outlet.place(fulfilled_by="marketplace", lines=[{"sku": SKU}])
    pending = outlet.place(status="pending", lines=[{"sku": SKU}])

    assert everything(outlet, marketplaceIds=CA) == ca
    assert everything(outlet, fulfilledBy="AMAZON") == fba
    assert everything(outlet, fulfillmentStatuses="PENDING") == pending
    assert sorted(everything(outlet, marketplaceIds=f"{US},{CA}")) == sorted(ca + fba + pending)
    assert everything(outlet, marketplaceIds=US, fulfillmentStatuses=["SHIPPED", "CANCELLED"]) == []


def test_a_silent_order_is_in_the_list_by_creation_only(seller: Seller) -> None:
    placed = seller.place(mode="silent")

    assert everything(seller) == []
    assert everything(seller, createdAfter="2026-01-01T00:00:00Z") == placed


def test_one_seller_never_sees_anothers_orders(seller: Seller, outlet: Seller) -> None:
    placed = seller.place()

    assert everything(outlet) == []
    refused = outlet.call("GET", f"/orders/2026-01-01/orders/{placed[0]}")
    assert refused.status_code == 404 and refused.json()["errors"][0]["code"] == "NotFound"


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    "query",
    [
        {"createdAfter": "2026-01-01T00:00:00Z", "lastUpdatedAfter": "2026-01-01T00:00:00Z"},
        {"lastUpdatedAfter": "2026-01-01T00:00:00Z", "createdBefore": "2026-01-02T00:00:00Z"},
        {"lastUpdatedAfter": "2026-01-02T00:00:00Z", "lastUpdatedBefore": "2026-01-01T00:00:00Z"},
        {"lastUpdatedAfter": "2026-01-01T00:00:00Z", "lastUpdatedBefore": iso(NOW + timedelta(days=400))},
        {"lastUpdatedAfter": "2026-01-01 00:00"},
        {"lastUpdatedAfter": "yesterday"},
        {"createdAfter": "TEST_CASE_400"},
        {"maxResultsPerPage": "0"},
        {"maxResultsPerPage": "101"},
        {"maxResultsPerPage": "many"},
        {"includedData": "SECRETS"},
        {"fulfillmentStatuses": "LOST"},
        {"fulfilledBy": "NOBODY"},
        {"marketplaceIds": "A0"},
        {"marketplaceIds": ",".join([US] * 51)},
        {"paginationToken": "made-up"},
    ],
)
def test_a_wrong_search_is_refused_as_invalid_input(seller: Seller, query: dict[str, str]) -> None:
    answer = seller.search(**query)

    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["code"] == "InvalidInput"


def test_the_last_two_minutes_cannot_be_asked_for(seller: Seller) -> None:
    seller.sandbox.control("POST", "/limits", {"platform": "amazon", "profile": "real"})
    after = "2026-01-01T00:00:00Z"
    now = datetime.now(UTC)

    assert seller.search(lastUpdatedAfter=after, lastUpdatedBefore=iso(now - timedelta(seconds=60))).status_code == 400
    assert seller.search(lastUpdatedAfter=after, lastUpdatedBefore=iso(now - timedelta(seconds=130))).status_code == 200


def test_neither_family_given_is_refused(seller: Seller) -> None:
    assert seller.call("GET", "/orders/2026-01-01/orders").status_code == 400


def test_a_site_of_another_region_is_refused(seller: Seller) -> None:
    assert seller.search(marketplaceIds=UK).status_code == 403


def test_a_page_token_wants_the_same_parameters_but_not_the_same_size(seller: Seller) -> None:
    seller.place(count=5)
    token = seller.search(maxResultsPerPage=2).json()["pagination"]["nextToken"]

    other = seller.search(paginationToken=token, lastUpdatedAfter="2026-01-02T00:00:00Z")
    resized = seller.search(paginationToken=token, maxResultsPerPage=3, includedData="BUYER")

    assert other.status_code == 400
    assert resized.status_code == 200 and len(resized.json()["orders"]) == 3


def test_a_page_token_lives_a_day(seller: Seller) -> None:
    seller.place(count=3)
    token = seller.search(maxResultsPerPage=2).json()["pagination"]["nextToken"]
    seller.sandbox.control("POST", "/clock", {"advance_seconds": 86401})
    seller.sign_in()

    assert seller.search(maxResultsPerPage=2, paginationToken=token).status_code == 400


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_what_was_asked_for_is_shown(seller: Seller) -> None:
    bare = seller.order(seller.place()[0], included="")

    assert not {"buyer", "recipient", "proceeds", "fulfillment", "packages", "tax", "payment"} & set(bare)
    assert not {"proceeds", "fulfillment", "cancellation"} & set(bare["orderItems"][0])


def test_the_total_is_the_sum_of_what_the_lines_earn(seller: Seller) -> None:
    lines = [
        {"sku": SKU, "quantity": 3, "unit_price": "19.99", "discount": "2.00"},
        {"sku": "ELSE-1", "quantity": 1, "unit_price": "5.01"},
    ]
    order = seller.order(seller.place(lines=lines, shipping="4.99", tax="3.33", gift_wrap={"price": "2.50"})[0])

    total = Decimal(order["proceeds"]["grandTotal"]["amount"])
    assert total == Decimal("19.99") * 3 - 2 + Decimal("5.01") + Decimal("4.99") + Decimal("3.33") + Decimal("2.50")
    assert total == sum(Decimal(item["proceeds"]["proceedsTotal"]["amount"]) for item in order["orderItems"])
    for item in order["orderItems"]:
        parts = {row["type"]: Decimal(row["subtotal"]["amount"]) for row in item["proceeds"]["breakdowns"]}
        off = parts.pop("DISCOUNT", Decimal(0))
        assert Decimal(item["proceeds"]["proceedsTotal"]["amount"]) == sum(parts.values()) - off


def test_a_pending_order_has_no_price_and_no_address(seller: Seller) -> None:
    order_id = seller.place(status="pending")[0]
    pending = seller.order(order_id)

    assert pending["fulfillment"]["fulfillmentStatus"] == "PENDING"
    assert "proceeds" not in pending and "price" not in pending["orderItems"][0]["product"]
    assert "addressLine1" not in pending["recipient"]["deliveryAddress"]

    seller.patch(order_id, status="paid")
    paid = seller.order(order_id)

    assert paid["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"
    assert paid["recipient"]["deliveryAddress"]["addressLine1"] and paid["proceeds"]["grandTotal"]
    assert paid["lastUpdatedTime"] > pending["lastUpdatedTime"]


def test_what_amazon_ships_shows_no_mail_no_phone_and_no_parcel(seller: Seller) -> None:
    order = seller.order(seller.place(fulfilled_by="marketplace", status="shipped")[0])

    assert order["fulfillment"]["fulfilledBy"] == "AMAZON"
    assert "buyerEmail" not in order["buyer"] and "packages" not in order
    assert "phone" not in order["recipient"]["deliveryAddress"]


def test_without_the_restricted_roles_no_personal_data_is_shown(seller: Seller) -> None:
    order_id = seller.place(gift_wrap=True, customization=True)[0]
    seller.sandbox.control("POST", "/roles", {"restricted_roles": False})
    order = seller.order(order_id)
    seller.sandbox.control("POST", "/roles", {"restricted_roles": True})

    text = str(order)
    assert "buyerName" not in text and "addressLine1" not in text and "postalCode" not in text
    assert "giftMessage" not in text and "customizedUrl" not in text
    assert order["recipient"]["deliveryAddress"]["city"]


def test_a_replacement_costs_nothing_and_names_the_order_it_replaces(seller: Seller) -> None:
    first = seller.place()[0]
    order = seller.order(seller.place(replacement_of=first)[0])

    assert order["proceeds"]["grandTotal"] == {"amount": "0.00", "currencyCode": "USD"}
    assert order["associatedOrders"] == [{"orderId": first, "associationType": "REPLACEMENT_ORIGINAL_ID"}]


def test_a_customized_item_can_be_downloaded(seller: Seller) -> None:
    order = seller.order(seller.place(customization="For Ada")[0])
    url = order["orderItems"][0]["product"]["customization"]["customizedUrl"]

    answer = seller.http.get(url, timeout=10)

    assert answer.status_code == 200 and answer.content.startswith(b"PK")


def test_money_has_the_decimals_of_its_currency(british: Seller, world: Any) -> None:
    pounds = british.order(british.place(lines=[{"sku": SKU, "unit_price": "10"}])[0])
    made = (
        world.control("PUT", "/accounts/amazon/AJAPAN00000001", {"region": "fe", "sites": ["JP"]})
        if _new(world)
        else None
    )
    yen_seller = Seller(world, "AJAPAN00000001", "fe", british.app)
    yen_seller.sign_in()
    yen = yen_seller.order(yen_seller.place(lines=[{"sku": "X", "unit_price": "1980"}])[0])

    assert pounds["proceeds"]["grandTotal"] == {"amount": "10.00", "currencyCode": "GBP"}
    assert yen["proceeds"]["grandTotal"] == {"amount": "1980", "currencyCode": "JPY"}
    assert made is None or made["refresh_token"].startswith("Atzr|")


def _new(world: Any) -> bool:
    return "AJAPAN00000001" not in world.control("GET", "/endpoints")["clients"]["amazon"]["refresh_tokens"]


def test_an_order_lowers_the_listings_quantity_even_while_pending(seller: Seller) -> None:
    path = f"/accounts/amazon/{seller.key}/listings"
    before = seller.sandbox.control("GET", path, sku=SKU)[0]["quantity"]

    seller.place(status="pending", lines=[{"sku": SKU, "quantity": 2}])

    after = seller.sandbox.control("GET", path, sku=SKU)[0]
    assert after["quantity"] == before - 2 and after["version"] == 2


@pytest.mark.parametrize("order_id", ["TEST_CASE_400", "1-2-3", "abc-1234567-1234567"])
def test_what_is_no_order_id_is_invalid(seller: Seller, order_id: str) -> None:
    answer = seller.call("GET", f"/orders/2026-01-01/orders/{order_id}")

    assert answer.status_code == 400 and answer.json()["errors"][0]["code"] == "InvalidInput"


# ── confirmShipment ──────────────────────────────────────────────────────────────────────────────────────────────────


def confirmation(order: dict[str, Any], **change: Any) -> dict[str, Any]:
    detail = {
        "packageReferenceId": "1",
        "carrierCode": "UPS",
        "trackingNumber": "1Z999",
        "shipDate": datetime.now(UTC).isoformat(),
        "orderItems": [
            {"orderItemId": item["orderItemId"], "quantity": item["quantityOrdered"]} for item in order["orderItems"]
        ],
    }
    return {"marketplaceId": US, "packageDetail": detail | change}


def confirm(seller: Seller, order_id: str, body: Any) -> Any:
    return seller.call("POST", f"/orders/v0/orders/{order_id}/shipmentConfirmation", json=body)


def test_a_confirmed_parcel_ships_the_order_and_is_recorded(seller: Seller) -> None:
    order = seller.order(seller.place()[0])

    answer = confirm(seller, order["orderId"], confirmation(order))

    assert answer.status_code == 204 and answer.content == b""
    shipped = seller.order(order["orderId"])
    assert shipped["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert shipped["packages"][0]["trackingNumber"] == "1Z999"
    writes = seller.sandbox.control("GET", "/writes", kind="order.ship")
    assert [write["reference"] for write in writes] == [order["orderId"]]


def test_the_same_reference_edits_the_parcel(seller: Seller) -> None:
    order = seller.order(seller.place()[0])
    confirm(seller, order["orderId"], confirmation(order))

    assert confirm(seller, order["orderId"], confirmation(order, trackingNumber="1Z000")).status_code == 204

    packages = seller.order(order["orderId"])["packages"]
    assert [package["trackingNumber"] for package in packages] == ["1Z000"]


def test_a_part_of_the_units_ships_in_part_and_no_unit_ships_twice(seller: Seller) -> None:
    order = seller.order(seller.place(lines=[{"sku": SKU, "quantity": 3}])[0])
    item = order["orderItems"][0]["orderItemId"]

    confirm(seller, order["orderId"], confirmation(order, orderItems=[{"orderItemId": item, "quantity": 1}]))
    assert seller.order(order["orderId"])["fulfillment"]["fulfillmentStatus"] == "PARTIALLY_SHIPPED"

    too_many = confirmation(order, packageReferenceId="2", orderItems=[{"orderItemId": item, "quantity": 3}])
    refused = confirm(seller, order["orderId"], too_many)
    assert refused.status_code == 400 and "PackageToUpdateNotFound" in refused.text


@pytest.mark.parametrize(
    "change",
    [
        {"packageReferenceId": 1},
        {"packageReferenceId": "0"},
        {"carrierCode": ""},
        {"carrierCode": "Other"},
        {"trackingNumber": None},
        {"shipDate": "02/21/2022"},
        {"shipDate": "2020-01-01T00:00:00Z"},
        {"orderItems": {"orderItemId": "1", "quantity": 1}},
        {"orderItems": [{"orderItemId": "1", "quantity": 1}]},
    ],
)
def test_a_wrong_confirmation_is_refused(seller: Seller, change: dict[str, Any]) -> None:
    order = seller.order(seller.place()[0])

    assert confirm(seller, order["orderId"], confirmation(order, **change)).status_code == 400
    assert "packages" not in seller.order(order["orderId"])


def test_what_amazon_ships_or_nobody_paid_cannot_be_confirmed(seller: Seller) -> None:
    for body in ({"fulfilled_by": "marketplace"}, {"status": "pending"}, {"status": "canceled"}):
        order = seller.order(seller.place(**body)[0])
        assert confirm(seller, order["orderId"], confirmation(order)).status_code == 400


def test_a_variation_is_written_into_the_title_as_amazon_has_no_field_for_it(seller: Seller) -> None:
    lines = [
        {"sku": "A", "title": "T-Shirt", "variation": {"Size": "XL"}},
        {"sku": "B", "title": "T-Shirt: Size XL", "variation": {"Size": "XL"}},
        {"sku": "TSHIRT-AMZ-L"},
        {"sku": SKU},
    ]
    titles = [item["product"]["title"] for item in seller.order(seller.place(lines=lines)[0])["orderItems"]]

    assert titles[:3] == ["T-Shirt: Size XL", "T-Shirt: Size XL", "T-Shirt: Size L"]
    assert titles[3] == "Northpine Merino Base Layer 200 Women's, S, Forest"


def test_a_refused_change_changes_nothing(seller: Seller) -> None:
    order_id = seller.place(status="pending")[0]
    before = seller.sandbox.control("GET", f"/accounts/amazon/{seller.key}/orders/{order_id}")

    answer = seller.http.patch(
        f"{seller.sandbox.url}/_control/accounts/amazon/{seller.key}/orders/{order_id}",
        json={"status": "paid", "lines": [{"sku": "NOT-IN-IT", "quantity": 1}]},
        timeout=10,
    )

    assert answer.status_code == 400 and answer.json()["field"] == "lines[0]"
    assert seller.sandbox.control("GET", f"/accounts/amazon/{seller.key}/orders/{order_id}") == before


def test_a_seller_added_by_the_control_api_stays_over_a_reset(seller: Seller) -> None:
    world = seller.sandbox
    if "ABENCH00000001" not in world.control("GET", "/endpoints")["clients"]["amazon"]["refresh_tokens"]:
        world.control("PUT", "/accounts/amazon/ABENCH00000001", {"like": "A3NORTHPINEOUT", "sites": ["US"]})
    world.reset()
    added = Seller(world, "ABENCH00000001", "na", seller.app)
    added.sign_in()

    assert added.search().json()["orders"] == []
    assert world.control("GET", "/accounts/amazon/ABENCH00000001/listings", sku=SKU)[0]["quantity"] > 0


def test_search_lag_makes_lists_later_still(seller: Seller) -> None:
    placed = seller.place()
    seller.sandbox.control("POST", "/faults", {"platform": "amazon", "kind": "search_lag", "params": {"seconds": 60}})
    assert everything(seller) == []

    seller.sandbox.control("DELETE", "/faults")
    assert everything(seller) == placed
