"""Etsy's webhooks: only genuine ones, only fresh ones, and never an address of somebody else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine

from connectors.contract.errors import Rejected
from connectors.contract.marketplace import PushReader
from connectors.contract.types import AccountEvent, AccountTopic
from connectors.etsy.config import EtsyConfig
from connectors.etsy.push import EtsyPush
from connectors.ratelimit import NoLimiter
from tests.connectors.etsy.world import WEBHOOK_SECRET, config

RESOURCE = "https://openapi.etsy.com/v3/application/shops/12345/receipts/54321"
KEY = b"0123456789abcdef0123456789abcdef"
SETTINGS: EtsyConfig = config("http://127.0.0.1:1")


def message(**changes: Any) -> bytes:
    return json.dumps({"event_type": "order.paid", "resource_url": RESOURCE, "shop_id": 12345, **changes}).encode()


def signed(body: bytes, *, at: float | None = None, key: bytes = KEY, name: str = "webhook") -> dict[str, str]:
    sent = str(int(time.time() if at is None else at))
    signature = base64.b64encode(hmac.new(key, f"msg_1.{sent}.".encode() + body, hashlib.sha256).digest()).decode()
    return {f"{name}-id": "msg_1", f"{name}-timestamp": sent, f"{name}-signature": f"v1,{signature}"}


def read(body: bytes, headers: dict[str, str] | None = None, settings: EtsyConfig = SETTINGS) -> AccountEvent:
    reader: PushReader = EtsyPush(settings, NoLimiter())
    return reader.read(signed(body) if headers is None else headers, body)


@pytest.mark.contract
def test_a_delivery_signed_by_the_published_scheme_is_genuine(specs: Path) -> None:
    vector = json.loads((specs / "etsy" / "webhook_signature_vector_computed.json").read_text())
    body = vector["body"].encode()
    sent = int(vector["headers"]["webhook-timestamp"])
    settings = replace(SETTINGS, webhook_secret=vector["secret"])

    with time_machine.travel(datetime.fromtimestamp(sent + 60, UTC), tick=False):
        event = read(body, vector["headers"], settings)
        with pytest.raises(Rejected):
            read(body.replace(b"54321", b"54322"), vector["headers"], settings)

    assert (event.event_id, event.topic, event.account_key, event.order_ids) == (
        "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
        AccountTopic.ORDER,
        "12345",
        ("54321",),
    )
    assert event.at == datetime.fromtimestamp(sent, UTC)


@pytest.mark.parametrize("kind", ["order.paid", "order.canceled", "order.shipped", "order.delivered", "order.new_one"])
def test_an_orders_event_asks_to_look_at_that_order(kind: str) -> None:
    event = read(message(event_type=kind))

    assert (event.topic, event.account_key, event.order_ids) == (AccountTopic.ORDER, "12345", ("54321",))


def test_the_shop_may_be_written_as_text_or_not_at_all() -> None:
    assert read(message(shop_id="12345")).account_key == "12345"
    assert read(message(shop_id=None)).account_key == "12345"


@pytest.mark.parametrize("kind", ["listing.updated", "inventory.out_of_stock", "", "order"])
def test_other_events_are_taken_and_nothing_is_done(kind: str) -> None:
    event = read(message(event_type=kind))

    assert (event.topic, event.order_ids) == (AccountTopic.OTHER, ())


@pytest.mark.parametrize(
    "resource",
    [
        "https://openapi.etsy.com/v3/application/shops/12345/receipts/54321/../1",
        "https://openapi.etsy.com/v3/application/shops/12345/receipts/",
        "https://openapi.etsy.com/v3/application/shops/12345/receipts/5x",
        "https://openapi.etsy.com/v3/application/shops/999/receipts/54321",
        "https://openapi.etsy.com/v3/application/listings/54321",
        "http://[::1",
        "",
        None,
        7,
    ],
)
def test_an_address_of_another_form_names_no_order(resource: Any) -> None:
    assert read(message(resource_url=resource)).order_ids == ()


def test_the_host_in_the_address_does_not_matter_because_nobody_goes_there() -> None:
    event = read(message(resource_url="http://169.254.169.254/v3/application/shops/12345/receipts/54321"))

    assert event.order_ids == ("54321",)


@pytest.mark.parametrize("body", [b"", b"null", b"[1]", b"not json", b"\xff"])
def test_what_is_genuine_but_no_event_is_nothing_to_act_on(body: bytes) -> None:
    assert read(body).topic is AccountTopic.OTHER


def test_header_names_are_read_in_any_case_and_by_their_older_name() -> None:
    body = message()

    assert read(body, {key.title(): value for key, value in signed(body).items()}).order_ids
    assert read(body, signed(body, name="svix")).order_ids


def test_one_right_signature_of_several_is_enough_while_secrets_change() -> None:
    body = message()
    headers = signed(body)
    headers["webhook-signature"] = f"v1,{base64.b64encode(bytes(32)).decode()} v2,abc {headers['webhook-signature']}"

    assert read(body, headers).order_ids == ("54321",)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_message_without_a_header_is_refused(missing: str) -> None:
    body = message()

    with pytest.raises(Rejected) as caught:
        read(body, {key: value for key, value in signed(body).items() if key != missing})

    assert caught.value.code == "signature"


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,\u00e9"},
        {"webhook-signature": "\u00e9"},
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "9" * 30},
        {"webhook-timestamp": "\u0661"},
    ],
)
def test_a_header_changed_on_the_way_is_refused(change: dict[str, str]) -> None:
    body = message()

    with pytest.raises(Rejected) as caught:
        read(body, signed(body) | change)

    assert caught.value.code == "signature"


def test_a_time_changed_on_the_way_is_refused() -> None:
    body = message()
    headers = signed(body)
    headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + 1)

    with pytest.raises(Rejected, match="wrong"):
        read(body, headers)


def test_a_signature_of_another_version_is_not_taken_for_ours() -> None:
    body = message()
    headers = signed(body)
    headers["webhook-signature"] = headers["webhook-signature"].replace("v1,", "v1a,")

    with pytest.raises(Rejected):
        read(body, headers)


def test_a_body_written_anew_is_refused() -> None:
    body = message()

    with pytest.raises(Rejected):
        read(json.dumps(json.loads(body), indent=1).encode(), signed(body))


def test_another_key_is_refused() -> None:
    with pytest.raises(Rejected):
        read(message(), signed(message(), key=b"x" * 32))


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_message_of_another_time_is_refused_though_its_signature_is_right(seconds: int) -> None:
    body = message()
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    with time_machine.travel(now, tick=False), pytest.raises(Rejected, match="five minutes"):
        read(body, signed(body, at=now.timestamp() + seconds))


@pytest.mark.parametrize("seconds", [-299, 299])
def test_a_message_within_five_minutes_is_taken(seconds: int) -> None:
    body = message()
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    with time_machine.travel(now, tick=False):
        assert read(body, signed(body, at=now.timestamp() + seconds)).order_ids


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_***", "whsec_a"])
def test_without_a_good_secret_of_ours_nothing_is_believed(secret: str) -> None:
    with pytest.raises(Rejected) as caught:
        read(message(), signed(message(), key=b""), replace(SETTINGS, webhook_secret=secret))

    assert caught.value.code == "signature"


def test_a_secret_without_its_prefix_works_too() -> None:
    settings = replace(SETTINGS, webhook_secret=WEBHOOK_SECRET.removeprefix("whsec_"))

    assert read(message(), settings=settings).order_ids


def test_etsy_asks_no_challenge() -> None:
    assert (
        EtsyPush(SETTINGS, NoLimiter()).challenge({"challenge_code": "x"}, "https://app.example/webhooks/etsy") is None
    )
