"""A push message only says: look at this order again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from connectors.amazon.notifications import STATUSES, read_hint
from connectors.contract.types import FulfilledBy, OrderHint, OrderStatus

PAYLOAD = Path(__file__).parent / "payloads" / "notification_order_change.json"


def message() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(PAYLOAD.read_text())
    return loaded


def in_camel_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: in_camel_case(inner) for key, inner in value.items()}
    return [in_camel_case(inner) for inner in value] if isinstance(value, list) else value


EXPECTED = OrderHint(
    message_id="note-1",
    seller_key="A1FICTIVE",
    order_id="111-2223334-5556667",
    status=OrderStatus.PAID,
    fulfilled_by=FulfilledBy.MERCHANT,
    at=datetime(2026, 11, 20, 9, 40, 1, tzinfo=UTC),
    lines=(("MUG-MOSS", 3), ("LANTERN", 1)),
)


def test_an_order_change_becomes_a_hint() -> None:
    assert read_hint(message()) == EXPECTED


def test_keys_in_camel_case_are_read_alike() -> None:
    assert read_hint(in_camel_case(message())) == EXPECTED


def test_a_change_without_its_own_time_goes_by_the_messages() -> None:
    told = message()
    told["Payload"]["OrderChangeNotification"]["OrderChangeTrigger"]["TimeOfOrderChange"] = None

    hint = read_hint(told)

    assert hint is not None
    assert hint.at == datetime(2026, 11, 20, 9, 40, 2, 109000, UTC)


def test_a_new_status_is_still_a_hint() -> None:
    told = message()
    told["Payload"]["OrderChangeNotification"]["Summary"]["OrderStatus"] = "OnTheMoon"

    hint = read_hint(told)

    assert hint is not None
    assert (hint.status, hint.order_id) == (None, "111-2223334-5556667")


def test_a_hint_needs_no_summary() -> None:
    told = message()
    del told["Payload"]["OrderChangeNotification"]["Summary"]
    del told["NotificationMetadata"]

    hint = read_hint(told)

    assert hint is not None
    assert (hint.lines, hint.status) == ((), None)
    assert hint.message_id == "111-2223334-5556667@2026-11-20T09:40:02.109Z"


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"NotificationType": "REPORT_PROCESSING_FINISHED", "Payload": {}},
        {"NotificationType": "ORDER_CHANGE"},
        {"NotificationType": "ORDER_CHANGE", "Payload": {"OrderChangeNotification": {"SellerId": "A1"}}},
        {"NotificationType": "ORDER_CHANGE", "Payload": ["x"]},
        {"notificationType": None, "payload": None},
        None,
    ],
)
def test_what_names_no_order_is_no_hint(told: dict[str, Any] | None) -> None:
    assert read_hint(told) is None


@pytest.fixture
def schema(specs: Path) -> dict[str, Any]:
    path = specs / "amazon" / "schemas" / "notifications" / "OrderChangeNotification.json"
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


@pytest.mark.contract
def test_our_message_is_of_amazons_shape(schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator(schema).validate(message())


@pytest.mark.contract
def test_amazons_own_example_becomes_a_hint(schema: dict[str, Any]) -> None:
    hint = read_hint(schema["examples"][0])

    assert hint is not None
    assert (hint.seller_key, hint.lines) == ("A3TH9S8BH6GOGM", (("SellerSKUID1", 10),))


@pytest.mark.contract
def test_every_status_of_the_contract_is_known(schema: dict[str, Any]) -> None:
    summary = schema["properties"]["Payload"]["properties"]["OrderChangeNotification"]["properties"]["Summary"]
    statuses = summary["properties"]["OrderStatus"]["enum"]

    assert {status.lower() for status in statuses} <= set(STATUSES)
