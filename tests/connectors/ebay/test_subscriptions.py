"""Being told of changes: what is asked of eBay the first time, and how little the second."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.contract.errors import AccessDenied, Rejected
from connectors.ebay.auth import AppTokens
from connectors.ebay.connector import Ebay
from connectors.ratelimit import NoLimiter
from tests.connectors.contract import Tokens
from tests.connectors.ebay import judge
from tests.connectors.ebay.test_auth import config
from tests.connectors.wire import Asked, Step, Wire, answer

ADDRESS = "https://app.example/webhooks/ebay"
BASE = "/commerce/notification/v1"


class Desk:
    """A little eBay that keeps destinations and subscriptions; it answers on the wire."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.config: dict[str, Any] = {}
        self.destinations: list[dict[str, Any]] = []
        self.subscriptions: dict[str, list[dict[str, Any]]] = {"seller": [], "app": []}
        self.topics = {
            "ORDER_CONFIRMATION": "USER",
            "MARKETPLACE_ACCOUNT_DELETION": "APPLICATION",
            "AUTHORIZATION_REVOCATION": "APPLICATION",
        }
        self.refuse: dict[str, Step] = {}
        wire.answer_with(self)

    def __call__(self, connection: Any) -> bool:
        return self.answer_of(self.wire.asked[-1])(connection)

    def answer_of(self, asked: Asked) -> Step:
        if asked.path.endswith("/oauth2/token"):
            return answer(200, {"access_token": "app-token", "expires_in": 7200})
        who = "app" if asked.headers["authorization"] == "Bearer app-token" else "seller"
        path, _, last = asked.path.removeprefix(BASE).strip("/").partition("/")
        refused = self.refuse.pop(f"{asked.method} {path}", None)
        return refused or getattr(self, f"_{asked.method.lower()}_{path}")(asked, who, last)

    def _get_config(self, asked: Asked, who: str, last: str) -> Step:
        missing = {"errors": [{"errorId": 195026, "category": "APPLICATION", "message": "Configuration Not Found."}]}
        return answer(200, self.config) if self.config else answer(404, missing)

    def _put_config(self, asked: Asked, who: str, last: str) -> Step:
        self.config = asked.json
        return answer(204)

    def _get_topic(self, asked: Asked, who: str, last: str) -> Step:
        if last not in self.topics:
            return answer(404, {"errors": [{"errorId": 195002, "category": "REQUEST", "message": "Invalid topic id."}]})
        payloads = [
            {"format": ["JSON"], "schemaVersion": version, "deliveryProtocol": "HTTPS", "deprecated": version == "2.0"}
            for version in ("1.0", "1.1", "2.0")
        ]
        return answer(200, {"topicId": last, "scope": self.topics[last], "supportedPayloads": payloads})

    def _get_destination(self, asked: Asked, who: str, last: str) -> Step:
        start = int(asked.query.get("continuation_token", "0"))
        found: dict[str, Any] = {"destinations": self.destinations[start : start + 1]}
        if start + 1 < len(self.destinations):
            found["next"] = f"https://elsewhere.example{BASE}/destination?limit=100&continuation_token={start + 1}"
        return answer(200, found)

    def _post_destination(self, asked: Asked, who: str, last: str) -> Step:
        made = {**asked.json, "destinationId": f"d-{len(self.destinations)}"}
        self.destinations.append(made)
        return answer(201, {}, headers={"Location": f"https://api.ebay.com{BASE}/destination/{made['destinationId']}"})

    def _put_destination(self, asked: Asked, who: str, last: str) -> Step:
        next(one for one in self.destinations if one["destinationId"] == last).update(asked.json)
        return answer(204)

    def _get_subscription(self, asked: Asked, who: str, last: str) -> Step:
        return answer(200, {"subscriptions": self.subscriptions[who], "total": len(self.subscriptions[who])})

    def _post_subscription(self, asked: Asked, who: str, last: str) -> Step:
        made = {**asked.json, "subscriptionId": f"{who}-{asked.json['topicId']}"}
        self.subscriptions[who].append(made)
        return answer(
            201, {}, headers={"Location": f"https://api.ebay.com{BASE}/subscription/{made['subscriptionId']}"}
        )

    def _put_subscription(self, asked: Asked, who: str, last: str) -> Step:
        next(one for one in self.subscriptions[who] if one["subscriptionId"] == last).update(asked.json)
        return answer(204)

    def _delete_subscription(self, asked: Asked, who: str, last: str) -> Step:
        left = [one for one in self.subscriptions[who] if one["subscriptionId"] != last]
        if len(left) == len(self.subscriptions[who]):
            return answer(404, {"errors": [{"errorId": 195013, "category": "REQUEST", "message": "does not exist"}]})
        self.subscriptions[who] = left
        return answer(204)


@pytest.fixture
def desk(wire: Wire) -> Desk:
    return Desk(wire)


@pytest.fixture
def ebay(wire: Wire) -> Iterator[Ebay]:
    settings = replace(config(wire.url), alert_email="alerts@app.example")
    yield Ebay("EBLUMEN5Q", "", Tokens("seller-token"), NoLimiter(), settings)
    AppTokens._all.pop(settings, None)


def writes(wire: Wire) -> list[str]:
    return [f"{asked.method} {asked.path.removeprefix(BASE)}" for asked in wire.asked if asked.method != "GET"][1:]


def test_the_first_subscription_makes_all_that_is_needed(ebay: Ebay, desk: Desk, wire: Wire) -> None:
    found = ebay.subscribe(ADDRESS)

    assert found == "seller-ORDER_CONFIRMATION"
    assert desk.config == {"alertEmail": "alerts@app.example"}
    (destination,) = desk.destinations
    assert destination["deliveryConfig"] == {"endpoint": ADDRESS, "verificationToken": "v" * 40}
    (ours,) = desk.subscriptions["seller"]
    assert ours["payload"] == {"format": "JSON", "schemaVersion": "1.1", "deliveryProtocol": "HTTPS"}
    assert (ours["status"], ours["destinationId"]) == ("ENABLED", "d-0")
    assert {one["topicId"] for one in desk.subscriptions["app"]} == {
        "MARKETPLACE_ACCOUNT_DELETION", "AUTHORIZATION_REVOCATION",
    }  # fmt: skip


def test_subscribing_again_changes_nothing(ebay: Ebay, desk: Desk, wire: Wire) -> None:
    first = ebay.subscribe(ADDRESS)
    made = json.dumps([desk.destinations, desk.subscriptions])
    before = len(writes(wire))

    assert ebay.subscribe(ADDRESS) == first
    assert len(writes(wire)) == before
    assert json.dumps([desk.destinations, desk.subscriptions]) == made


@pytest.mark.contract
def test_every_call_is_one_of_ebays_contract(ebay: Ebay, desk: Desk, wire: Wire, specs: Path) -> None:
    ebay.unsubscribe(ebay.subscribe(ADDRESS))
    desk.destinations[0]["status"] = "MARKED_DOWN"
    desk.subscriptions["app"][0]["status"] = "DISABLED"
    ebay.subscribe(ADDRESS)

    names = {judge.check(specs, asked) for asked in wire.asked if not asked.path.endswith("/oauth2/token")}

    assert names == {
        "getConfig", "updateConfig", "getDestinations", "createDestination", "updateDestination", "getTopic",
        "getSubscriptions", "createSubscription", "updateSubscription", "deleteSubscription",
    }  # fmt: skip


def test_a_destination_on_a_later_page_is_found(ebay: Ebay, desk: Desk) -> None:
    other = {"destinationId": "d-9", "status": "ENABLED", "deliveryConfig": {"endpoint": "https://old.example"}}
    ours = {"destinationId": "d-8", "status": "ENABLED", "deliveryConfig": {"endpoint": ADDRESS}}
    desk.destinations += [other, ours]

    ebay.subscribe(ADDRESS)

    assert len(desk.destinations) == 2
    assert desk.subscriptions["seller"][0]["destinationId"] == "d-8"


@pytest.mark.parametrize("change", [{"status": "MARKED_DOWN"}, {"status": "DISABLED"}])
def test_a_destination_that_was_switched_off_is_switched_on(ebay: Ebay, desk: Desk, change: dict[str, str]) -> None:
    ebay.subscribe(ADDRESS)
    desk.destinations[0].update(change)

    ebay.subscribe(ADDRESS)

    assert [one["status"] for one in desk.destinations] == ["ENABLED"]


@pytest.mark.parametrize("change", [{"status": "DISABLED"}, {"destinationId": "d-7"}])
def test_a_subscription_that_leads_elsewhere_is_led_to_us(ebay: Ebay, desk: Desk, change: dict[str, str]) -> None:
    first = ebay.subscribe(ADDRESS)
    desk.subscriptions["seller"][0].update(change)

    assert ebay.subscribe(ADDRESS) == first
    (ours,) = desk.subscriptions["seller"]
    assert (ours["status"], ours["destinationId"], ours["topicId"]) == ("ENABLED", "d-0", "ORDER_CONFIRMATION")


@pytest.mark.parametrize(
    ("call", "error_id", "meanwhile"),
    [
        (
            "POST destination",
            195021,
            lambda desk: desk.destinations.append(
                {"destinationId": "d-5", "status": "ENABLED", "deliveryConfig": {"endpoint": ADDRESS}}
            ),
        ),
        (
            "POST subscription",
            195012,
            lambda desk: desk.subscriptions["seller"].append(
                {
                    "subscriptionId": "s-5",
                    "topicId": "ORDER_CONFIRMATION",
                    "status": "ENABLED",
                    "destinationId": "d-0",
                }
            ),
        ),
    ],
)
def test_what_another_worker_made_meanwhile_is_taken(
    ebay: Ebay, desk: Desk, call: str, error_id: int, meanwhile: Callable[[Desk], None]
) -> None:
    refused = answer(409, {"errors": [{"errorId": error_id, "category": "REQUEST", "message": "exists"}]})

    def step(connection: Any) -> bool:
        meanwhile(desk)
        return refused(connection)

    desk.refuse[call] = step

    assert ebay.subscribe(ADDRESS)
    assert len(desk.destinations) == 1
    assert len(desk.subscriptions["seller"]) == 1


def test_a_topic_ebay_does_not_give_us_is_a_clear_no(ebay: Ebay, desk: Desk) -> None:
    desk.refuse["POST subscription"] = answer(
        403, {"errors": [{"errorId": 195011, "category": "REQUEST", "message": "Not authorized for this topic."}]}
    )

    with pytest.raises(AccessDenied) as caught:
        ebay.subscribe(ADDRESS)

    assert caught.value.code == "195011"


def test_a_topic_ebay_does_not_have_is_the_same_no(ebay: Ebay, desk: Desk) -> None:
    del desk.topics["ORDER_CONFIRMATION"]

    with pytest.raises(AccessDenied):
        ebay.subscribe(ADDRESS)


def test_orders_do_not_depend_on_the_topics_of_our_application(ebay: Ebay, desk: Desk) -> None:
    del desk.topics["AUTHORIZATION_REVOCATION"]

    assert ebay.subscribe(ADDRESS) == "seller-ORDER_CONFIRMATION"
    assert [one["topicId"] for one in desk.subscriptions["app"]] == ["MARKETPLACE_ACCOUNT_DELETION"]


def test_an_address_that_fails_the_challenge_is_told(ebay: Ebay, desk: Desk) -> None:
    desk.refuse["POST destination"] = answer(
        409, {"errors": [{"errorId": 195020, "category": "REQUEST", "message": "Challenge verification failed"}]}
    )

    with pytest.raises(Rejected) as caught:
        ebay.subscribe(ADDRESS)

    assert caught.value.code == "195020"


def test_a_subscription_may_be_ended_twice(ebay: Ebay, desk: Desk) -> None:
    found = ebay.subscribe(ADDRESS)

    ebay.unsubscribe(found)
    ebay.unsubscribe(found)

    assert desk.subscriptions["seller"] == []
