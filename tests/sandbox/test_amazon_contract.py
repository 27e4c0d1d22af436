"""The pretend Amazon against Amazon's own contracts and Amazon's own SDK."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.sandbox.conftest import EVERYTHING, SKU, US, Seller

pytestmark = pytest.mark.contract


class Contract:
    """A Swagger 2.0 file: validates answers, and holds the request and answer pairs of Amazon's static sandbox."""

    def __init__(self, path: Path) -> None:
        self.document = json.loads(path.read_text())

    def check(self, answer: Any, definition: str) -> None:
        schema = {"$ref": f"#/definitions/{definition}", "definitions": self.document["definitions"]}
        checker = jsonschema.FormatChecker()
        jsonschema.Draft4Validator(schema, format_checker=checker).validate(answer)

    def closed(self, answer: Any, definition: str) -> list[str]:
        """Return what the answer holds that the contract does not name."""
        found: list[str] = []
        self._walk(answer, {"$ref": f"#/definitions/{definition}"}, definition, found)
        return found

    def _walk(self, value: Any, schema: dict[str, Any], at: str, found: list[str]) -> None:
        while "$ref" in schema:
            schema = self.document["definitions"][schema["$ref"].rpartition("/")[2]]
        if isinstance(value, list):
            for entry in value:
                self._walk(entry, schema.get("items", {}), at, found)
        elif isinstance(value, dict) and "properties" in schema:
            for key, entry in value.items():
                if key in schema["properties"]:
                    self._walk(entry, schema["properties"][key], f"{at}.{key}", found)
                else:
                    found.append(f"{at}.{key}")

    def pairs(self, path: str, method: str, status: str) -> Iterator[dict[str, Any]]:
        yield from self.document["paths"][path][method]["responses"][status]["x-amzn-api-sandbox"]["static"]


@pytest.fixture(scope="module")
def orders(specs: Path) -> Contract:
    return Contract(specs / "amazon" / "models" / "orders_2026-01-01.json")


@pytest.fixture(scope="module")
def models(specs: Path) -> Path:
    return specs / "amazon" / "models"


def every_kind(seller: Seller) -> list[str]:
    """Place orders of every kind the sandbox knows; returns their ids."""
    first = seller.place(
        lines=[{"sku": SKU, "quantity": 2, "discount": "3.00", "customization": True}, {"sku": "NP-WHS-1"}],
        tax="4.20",
        shipping="5.99",
        gift_wrap={"message": "Enjoy", "price": "3.99"},
        buyer={"name": "Ada", "company": "Analytical", "po_number": "PO-7"},
        programs=["AMAZON_BUSINESS"],
    )
    ids = first + seller.place(status="pending") + seller.place(status="shipped") + seller.place(status="canceled")
    ids += seller.place(fulfilled_by="marketplace", status="shipped") + seller.place(replacement_of=first[0])
    ids += seller.place(buyer={"address": None})
    asked = seller.place()
    seller.patch(asked[0], cancel_request=True)
    return ids + asked


def test_every_order_answer_is_what_the_contract_says(seller: Seller, orders: Contract) -> None:
    ids = every_kind(seller)
    for by in ("lastUpdatedAfter", "createdAfter"):
        page = seller.search(includedData=EVERYTHING, maxResultsPerPage=5, **{by: "2026-01-01T00:00:00Z"}).json()
        orders.check(page, "SearchOrdersResponse")
        assert orders.closed(page, "SearchOrdersResponse") == []
    for order_id in ids:
        answer = {"order": seller.order(order_id)}
        orders.check(answer, "GetOrderResponse")
        assert orders.closed(answer, "GetOrderResponse") == []


def test_every_error_is_what_the_contract_says(seller: Seller, orders: Contract) -> None:
    answers = [
        seller.search(maxResultsPerPage="0"),
        seller.call("GET", "/orders/2026-01-01/orders/111-0000000-0000000"),
        seller.call("GET", "/orders/2026-01-01/orders", token=""),
    ]
    seller.sandbox.control("POST", "/limits", {"platform": "amazon", "profile": "real"})
    answers += [seller.search() for _ in range(21)][-1:]

    assert [answer.status_code for answer in answers] == [400, 404, 403, 429]
    for answer in answers:
        orders.check(answer.json(), "ErrorList")
        assert answer.headers["x-amzn-RequestId"]


def test_amazons_own_examples_hold_no_field_in_a_shape_we_do_not_give(seller: Seller, orders: Contract) -> None:
    """The order pairs of the static sandbox, compared in shape with ours: same kind of value wherever both have one."""
    ours = [seller.order(order_id) for order_id in every_kind(seller)]
    theirs = [
        order
        for path, key in (("/orders/2026-01-01/orders", "orders"), ("/orders/2026-01-01/orders/{orderId}", "order"))
        for pair in orders.pairs(path, "get", "200")
        for order in (pair["response"][key] if key == "orders" else [pair["response"][key]])
    ]
    known = _shape(theirs)

    different = {
        path: (kind, known[path]) for path, kind in _shape(ours).items() if path in known and kind != known[path]
    }

    assert len(theirs) == 6
    assert different == {}
    assert len(set(_shape(ours)) & set(known)) > 40, "the comparison must be about something"


def _shape(orders: list[dict[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}

    def walk(value: Any, at: str) -> None:
        found[at] = type(value).__name__
        for key, entry in value.items() if isinstance(value, dict) else ():
            walk(entry, f"{at}.{key}")
        for entry in value if isinstance(value, list) else ():
            walk(entry, f"{at}[]")

    for order in orders:
        walk(order, "")
    return found


def test_amazons_static_requests_for_errors_get_amazons_answers(seller: Seller, orders: Contract) -> None:
    searched = next(orders.pairs("/orders/2026-01-01/orders", "get", "400"))
    got = next(orders.pairs("/orders/2026-01-01/orders/{orderId}", "get", "400"))

    search = seller.search(createdAfter=searched["request"]["parameters"]["createdAfter"]["value"])
    order = seller.call("GET", f"/orders/2026-01-01/orders/{got['request']['parameters']['orderId']['value']}")

    for answer, pair in ((search, searched), (order, got)):
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["code"] == pair["response"]["errors"][0]["code"]


def test_amazons_static_confirmation_is_accepted_for_an_order_of_ours(seller: Seller, models: Path) -> None:
    contract = Contract(models / "ordersV0.json")
    path = "/orders/v0/orders/{orderId}/shipmentConfirmation"
    accepted = next(contract.pairs(path, "post", "204"))["request"]["parameters"]["body"]["value"]
    refused = next(contract.pairs(path, "post", "400"))["request"]["parameters"]["body"]["value"]
    order = seller.order(seller.place()[0])
    for body in (accepted, refused):
        body["packageDetail"]["orderItems"][0]["orderItemId"] = order["orderItems"][0]["orderItemId"]
    accepted["packageDetail"]["shipDate"] = order["createdTime"]
    contract.check(accepted, "ConfirmShipmentRequest")

    no = seller.call("POST", path.format(orderId=order["orderId"]), json=refused)
    yes = seller.call("POST", path.format(orderId=order["orderId"]), json=accepted)

    assert no.status_code == 400 and yes.status_code == 204
    contract.check(no.json(), "ConfirmShipmentErrorResponse")


def test_sellers_and_notifications_answer_as_their_contracts_say(seller: Seller, models: Path) -> None:
    sellers, notifications = Contract(models / "sellers.json"), Contract(models / "notifications.json")
    sites = seller.call("GET", "/sellers/v1/marketplaceParticipations").json()
    sellers.check(sites, "GetMarketplaceParticipationsResponse")
    assert sellers.closed(sites, "GetMarketplaceParticipationsResponse") == []
    account = seller.call("GET", "/sellers/v1/account").json()
    sellers.check(account, "GetAccountResponse")
    assert sellers.closed(account, "GetAccountResponse") == []
    app = seller.lwa(grant_type="client_credentials", scope="sellingpartnerapi::notifications").json()["access_token"]
    listed = seller.call("GET", "/notifications/v1/destinations", token=app).json()
    notifications.check(listed, "GetDestinationsResponse")
    missing = seller.call("GET", "/notifications/v1/subscriptions/FEED_PROCESSING_FINISHED")
    assert missing.status_code == 404
    notifications.check(missing.json(), "GetSubscriptionResponse")


@pytest.fixture
def sdk(seller: Seller) -> Iterator[Any]:
    """Amazon's own client, signed in at the pretend Amazon with the seller's refresh token."""
    handlers = logging.getLogger().handlers[:]
    from spapi import SPAPIClient, SPAPIConfig

    # The SDK puts a handler on the root logger when it is imported.
    logging.getLogger().handlers[:] = handlers
    base = seller.sandbox.url
    client = seller.sandbox.control("GET", "/endpoints")["clients"]["amazon"]
    config = SPAPIConfig(
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        refresh_token=client["refresh_tokens"][seller.key],
        region="NA",
    )
    yield SPAPIClient(config, oauth_endpoint=f"{base}/amazon/lwa/auth/o2/token", endpoint=f"{base}/amazon/na")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_amazons_own_sdk_reads_orders(seller: Seller, sdk: Any) -> None:
    from spapi.api.orders_v2026_01_01.get_order_api import GetOrderApi
    from spapi.api.orders_v2026_01_01.search_orders_api import SearchOrdersApi

    ids = every_kind(seller)
    api = SearchOrdersApi(sdk.api_client)
    included = EVERYTHING.split(",")
    found: list[str] = []
    token = None
    while True:
        more = {"pagination_token": token} if token else {}
        page = api.search_orders(
            last_updated_after="2026-01-01T00:00:00Z",
            marketplace_ids=[US],
            included_data=included,
            max_results_per_page=3,
            **more,
        )
        found += [order.order_id for order in page.orders]
        token = page.pagination.next_token if page.pagination else None
        if not token:
            break
    order = GetOrderApi(sdk.api_client).get_order(ids[0], included_data=included).order

    assert sorted(found) == sorted(ids)
    assert order.order_items[0].product.seller_sku == SKU
    assert order.recipient.delivery_address.country_code == "US"
    assert order.proceeds.grand_total.currency_code == "USD"
