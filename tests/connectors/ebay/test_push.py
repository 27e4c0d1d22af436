"""eBay's push messages: verified against eBay's own genuine ones, and against keys of a pretend eBay."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.contract.errors import Rejected, TransientError
from connectors.contract.marketplace import PushReader
from connectors.contract.types import AccountEvent, AccountTopic
from connectors.ebay.auth import AppTokens
from connectors.ebay.push import EbayPush
from connectors.ratelimit import LocalLimiter, NoLimiter
from tests.connectors.ebay import judge
from tests.connectors.ebay.test_auth import config
from tests.connectors.wire import Step, Wire, answer

APP_TOKEN = answer(200, {"access_token": "app-token", "expires_in": 7200})
KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def push(wire: Wire) -> Iterator[EbayPush]:
    made = config(wire.url)
    wire.answer_with(APP_TOKEN, public_key())
    yield EbayPush(made, NoLimiter())
    AppTokens._all.pop(made, None)


@pytest.fixture
def vector(specs: Path) -> dict[str, Any]:
    """A message eBay signed itself, its key, and one that was changed."""
    loaded: dict[str, Any] = json.loads((specs / "ebay" / "notification_signature_vector.json").read_text())
    return loaded


def public_key(key: ec.EllipticCurvePrivateKey = KEY) -> Step:
    """The key as eBay gives it: without line breaks."""
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return answer(200, {"key": pem.replace("\n", ""), "algorithm": "ECDSA", "digest": "SHA1"})


def message(topic: str, **data: Any) -> bytes:
    body = {
        "metadata": {"topic": topic, "schemaVersion": "1.0", "deprecated": False},
        "notification": {
            "notificationId": "n-1",
            "eventDate": "2026-11-20T09:00:00.000Z",
            "publishDate": "2026-11-20T09:00:01.000Z",
            "publishAttemptCount": 1,
            "data": data,
        },
    }
    return json.dumps(body, indent=1).encode()


def signed(
    body: bytes, *, key_id: str = "key-1", header: str = "X-EBAY-SIGNATURE", digest: str = "SHA1"
) -> dict[str, str]:
    signature = base64.b64encode(KEY.sign(body, ec.ECDSA(hashes.SHA1()))).decode()  # noqa: S303 - eBay's choice
    told = {"alg": "ecdsa", "kid": key_id, "signature": signature, "digest": "SHA1"}
    return {"X-EBAY-SIGNATURE": base64.b64encode(json.dumps(told).encode()).decode()}


def read(push: EbayPush, body: bytes) -> AccountEvent:
    return push.read(signed(body), body)


@pytest.mark.contract
@pytest.mark.parametrize("spaced", [False, True], ids=["as eBay signed it", "written anew by a framework"])
def test_a_message_ebay_signed_itself_is_genuine(
    push: EbayPush, wire: Wire, vector: dict[str, Any], spaced: bool
) -> None:
    wire.answer_with(APP_TOKEN, answer(200, vector["public_key_response"]))
    body = json.dumps(vector["message"], indent=2).encode() if spaced else vector["signed_bytes"].encode()

    event = push.read({"x-ebay-signature": vector["x_ebay_signature"]}, body)

    assert event.topic is AccountTopic.ERASE_BUYER
    assert event.buyer == {"username": "test_user", "user_id": "ma8vp1jySJC"}
    assert event.account_key == ""
    assert event.event_id == vector["message"]["notification"]["notificationId"]


@pytest.mark.contract
def test_a_message_ebay_did_not_sign_is_refused(push: EbayPush, wire: Wire, vector: dict[str, Any]) -> None:
    wire.answer_with(APP_TOKEN, answer(200, vector["public_key_response"]))
    changed = vector["invalid_case"]
    body = json.dumps(changed["message"], separators=(",", ":")).encode()

    with pytest.raises(Rejected) as caught:
        push.read({"X-EBAY-SIGNATURE": changed["x_ebay_signature"]}, body)

    assert caught.value.code == "signature"


@pytest.mark.contract
def test_the_challenge_is_answered_as_in_ebays_own_example(vector: dict[str, Any]) -> None:
    told = vector["challenge"]
    settings = config("http://127.0.0.1:1")
    object.__setattr__(settings, "verification_token", told["verification_token"])
    reader: PushReader = EbayPush(settings, NoLimiter())

    answered = reader.challenge({"challenge_code": told["challenge_code"]}, told["endpoint"])

    assert answered == {"challengeResponse": told["challengeResponse"]}
    assert reader.challenge({}, told["endpoint"]) is None


@pytest.mark.contract
def test_keys_are_asked_for_as_ebays_contract_says(push: EbayPush, wire: Wire, specs: Path) -> None:
    read(push, message("ORDER_CONFIRMATION", orderId="14-1"))

    assert judge.check(specs, wire.asked[1]) == "getPublicKey"
    assert wire.asked[1].headers["authorization"] == "Bearer app-token"


def test_an_order_confirmation_is_a_hint_to_look_at_that_order(push: EbayPush) -> None:
    event = read(push, message("ORDER_CONFIRMATION", orderId="14-12345-67890", sellerUserId="EBLUMEN5Q"))

    assert (event.topic, event.event_id) == (AccountTopic.ORDER, "n-1")
    assert (event.account_key, event.order_ids) == ("EBLUMEN5Q", ("14-12345-67890",))
    assert event.at is not None
    assert event.at.isoformat() == "2026-11-20T09:00:00+00:00"


def test_the_order_is_found_wherever_the_message_holds_it_but_the_buyer_is_no_seller(push: EbayPush) -> None:
    event = read(
        push,
        message(
            "ORDER_CONFIRMATION",
            buyer={"userId": "BUYER"},
            order={"lineItems": [{"orderId": "14-1"}], "seller": {"userId": "EBLUMEN5Q"}},
        ),
    )

    assert (event.account_key, event.order_ids) == ("EBLUMEN5Q", ("14-1",))


def test_a_revoked_permission_names_its_seller(push: EbayPush) -> None:
    event = read(
        push, message("AUTHORIZATION_REVOCATION", userId="EBLUMEN5Q", username="x", revokeReason="PASSWORD_CHANGE")
    )

    assert (event.topic, event.account_key) == (AccountTopic.REVOKED, "EBLUMEN5Q")


def test_a_genuine_message_about_something_else_is_nothing_to_act_on(push: EbayPush) -> None:
    assert read(push, message("FEEDBACK_LEFT", orderId="14-1")).topic is AccountTopic.OTHER


def test_a_key_is_asked_for_once(push: EbayPush, wire: Wire) -> None:
    for _ in range(3):
        read(push, message("ORDER_CONFIRMATION", orderId="14-1"))

    assert len(wire.asked) == 2


def test_one_changed_byte_is_refused(push: EbayPush) -> None:
    body = message("ORDER_CONFIRMATION", orderId="14-1")

    with pytest.raises(Rejected) as caught:
        push.read(signed(body), body.replace(b"14-1", b"14-2"))

    assert caught.value.code == "signature"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-EBAY-SIGNATURE": "not base64!"},
        {"X-EBAY-SIGNATURE": base64.b64encode(b"[]").decode()},
        {"X-EBAY-SIGNATURE": base64.b64encode(b'{"kid": "../../config", "signature": "AAAA"}').decode()},
        {"X-EBAY-SIGNATURE": base64.b64encode(b'{"kid": "key-1", "signature": "AAAA", "digest": "MD5"}').decode()},
    ],
)
def test_a_message_without_a_readable_signature_costs_no_call(
    push: EbayPush, wire: Wire, headers: dict[str, str]
) -> None:
    with pytest.raises(Rejected) as caught:
        push.read(headers, message("ORDER_CONFIRMATION", orderId="14-1"))

    assert caught.value.code == "signature"
    assert wire.asked == []


def test_a_key_ebay_does_not_know_is_refused_and_not_asked_for_again(push: EbayPush, wire: Wire) -> None:
    wire.answer_with(
        APP_TOKEN, answer(404, {"errors": [{"errorId": 195001, "category": "REQUEST", "message": "no key"}]})
    )
    body = message("ORDER_CONFIRMATION", orderId="14-1")
    for _ in range(3):
        with pytest.raises(Rejected) as caught:
            push.read(signed(body), body)
        assert caught.value.code == "signature"

    assert len(wire.asked) == 2


@pytest.mark.parametrize(
    "step", [answer(503, {}), answer(200, {"key": "-----BEGIN PUBLIC KEY-----AAAA"}), answer(200, {})]
)
def test_a_key_that_could_not_be_fetched_asks_the_sender_to_come_again(push: EbayPush, wire: Wire, step: Step) -> None:
    wire.answer_with(APP_TOKEN, step)
    body = message("ORDER_CONFIRMATION", orderId="14-1")

    with pytest.raises(TransientError):
        push.read(signed(body), body)


def test_invented_keys_cannot_make_us_call_ebay_without_end(wire: Wire) -> None:
    settings = config(wire.url)
    push = EbayPush(settings, LocalLimiter())
    wire.answer_with(APP_TOKEN, answer(404, {"errors": [{"errorId": 195001, "message": "no key"}]}))
    body = message("ORDER_CONFIRMATION", orderId="14-1")

    for number in range(20):
        with pytest.raises((Rejected, TransientError)):
            push.read(signed(body, key_id=f"key-{number}"), body)

    assert len(wire.asked) < 8
    AppTokens._all.pop(settings, None)


def test_invented_keys_cannot_keep_ebays_own_messages_out(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("connectors.ebay.push.time.monotonic", lambda: clock[0])
    settings = config(wire.url)
    push = EbayPush(settings, NoLimiter())
    unknown = answer(404, {"errors": [{"errorId": 195001, "message": "no key"}]})
    wire.answer_with(APP_TOKEN, *[unknown] * 60, public_key(), answer(503, {}))
    body = message("ORDER_CONFIRMATION", userId="EBLUMEN5Q", orderId="14-1")
    for number in range(60):
        with pytest.raises(Rejected):
            push.read(signed(body, key_id=f"made-up-{number}"), body)

    assert push.read(signed(body), body).order_ids == ("14-1",)
    asked = len(wire.asked)
    assert push.read(signed(body), body).order_ids == ("14-1",)
    assert len(wire.asked) == asked
    clock[0] += 3700.0
    assert push.read(signed(body), body).order_ids == ("14-1",)
    clock[0] += 90000.0
    with pytest.raises(TransientError):
        push.read(signed(body), body)
    AppTokens._all.pop(settings, None)


@pytest.mark.parametrize("body", [b"", b"null", b"not json", b"[1]", b'{"notification": 7}'])
def test_what_was_signed_may_still_be_no_message(push: EbayPush, body: bytes) -> None:
    try:
        event = push.read(signed(body), body)
    except Rejected as error:
        assert error.code == "body"
    else:
        assert (event.topic, event.order_ids) == (AccountTopic.OTHER, ())
