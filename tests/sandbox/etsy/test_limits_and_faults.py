"""The app's limits with their headers, and what goes wrong on demand."""

from __future__ import annotations

import time

import pytest
import requests

from tests.sandbox.etsy.conftest import LUMEN, Shop

HEADERS = ("x-limit-per-second", "x-remaining-this-second", "x-limit-per-day", "x-remaining-today")


def numbers(answer: requests.Response) -> dict[str, int]:
    return {name: int(answer.headers[name]) for name in HEADERS}


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_answer_says_what_is_left(lumen: Shop) -> None:
    lumen.served.run(lumen.served.core.limits.set, ("etsy",), "real", None)
    first = numbers(lumen.call("GET", "/users/me"))
    second = numbers(lumen.call("GET", f"/shops/{LUMEN}/receipts/1"))

    assert (first["x-limit-per-second"], first["x-limit-per-day"]) == (10, 10_000)
    assert second["x-remaining-today"] == first["x-remaining-today"] - 1
    assert second["x-remaining-this-second"] < 10


def test_more_than_the_second_holds_is_refused(lumen: Shop) -> None:
    lumen.action("budget", per_second=3)
    answers = [lumen.call("GET", "/users/me") for _ in range(6)]
    refused = [answer for answer in answers if answer.status_code == 429]

    assert refused and refused[0].json() == {"error": "Exceeded per second rate limit"}
    assert refused[0].headers["retry-after"] == "1" and refused[0].headers["x-remaining-this-second"] == "0"
    time.sleep(1)
    assert lumen.call("GET", "/users/me").status_code == 200
    counted = lumen.served.core.throttled
    assert sum(count for place, count in counted.items() if place[2] == "getMe") == len(refused)


def test_the_day_is_a_sliding_window_of_the_whole_app(lumen: Shop, harbour: Shop) -> None:
    lumen.action("budget", per_day=100, used=98)
    assert lumen.call("GET", "/users/me").headers["x-remaining-today"] == "1"
    assert harbour.call("GET", "/users/me").headers["x-remaining-today"] == "0"
    refused = lumen.call("GET", "/users/me")

    assert (refused.status_code, refused.json()) == (429, {"error": "Exceeded daily rate limit"})
    wait = int(refused.headers["retry-after"])
    assert 86_000 < wait <= 87_000
    lumen.served.run(lumen.served.core.world.advance, 3600)
    assert lumen.call("GET", "/users/me").status_code == 429
    lumen.served.run(lumen.served.core.world.advance, wait - 3599)
    lumen.sign_in()
    assert lumen.call("GET", "/users/me").headers["x-remaining-today"] == "99"


def test_other_limits_in_force_begin_with_nothing_spent(lumen: Shop) -> None:
    lumen.action("budget", used=20_000)
    lumen.served.run(lumen.served.core.limits.set, ("etsy",), "real", None)
    assert lumen.call("GET", "/users/me").headers["x-remaining-today"] == "9999"

    lumen.action("budget", used=10_000)
    lumen.served.run(lumen.served.core.limits.set, ("amazon",), "real", None)
    assert lumen.call("GET", "/users/me").status_code == 429


def test_tokens_cost_no_calls(lumen: Shop) -> None:
    lumen.action("budget", per_day=0)

    assert lumen.grant(grant_type="refresh_token", refresh_token=lumen.refresh).status_code == 200


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kind", "code"), [("status", 503), ("status", 500), ("throttle", 429)])
def test_a_failing_etsy_speaks_its_own_shape(lumen: Shop, kind: str, code: int) -> None:
    with lumen.fault(kind, "getMe", code=code):
        answer = lumen.call("GET", "/users/me")
    assert answer.status_code == code and answer.json()["error"]
    assert ("retry-after" in answer.headers) is (kind == "throttle")


def test_too_many_requests_may_come_without_a_word_on_when_to_return(lumen: Shop) -> None:
    with lumen.fault("throttle", "getMe", headers=False):
        answer = lumen.call("GET", "/users/me")
    assert answer.status_code == 429
    assert not {"retry-after", *HEADERS} & {name.lower() for name in answer.headers}


def test_a_page_instead_of_data(lumen: Shop) -> None:
    with lumen.fault("html", "getMe"):
        answer = lumen.call("GET", "/users/me", checked=False)
    assert answer.status_code == 503 and answer.text.startswith("<!DOCTYPE html>")


def test_a_token_no_longer_good(lumen: Shop) -> None:
    with lumen.fault("token_revoked"):
        assert lumen.call("GET", "/users/me").json()["error"] == "invalid_token"
        assert lumen.grant(grant_type="refresh_token", refresh_token=lumen.refresh).json()["error"] == "invalid_grant"


def test_a_refusal_in_chosen_words(lumen: Shop) -> None:
    (receipt_id,) = lumen.place()
    with lumen.fault("refuse", "createReceiptShipment", status=409, message="This receipt is being changed"):
        answer = lumen.ship(receipt_id, tracking_code="A1", carrier_name="usps")
    assert (answer.status_code, answer.json()) == (409, {"error": "This receipt is being changed"})
    assert lumen.view(receipt_id)["shipments"] == []


def test_work_done_and_no_answer(lumen: Shop) -> None:
    (receipt_id,) = lumen.place()
    with lumen.fault("drop_after", "createReceiptShipment"), pytest.raises(requests.ConnectionError):
        lumen.ship(receipt_id, tracking_code="A1", carrier_name="usps")
    assert lumen.view(receipt_id)["mails"] == 1

    spent = lumen.refresh
    with lumen.fault("drop_after", "token"), pytest.raises(requests.ConnectionError):
        lumen.grant(grant_type="refresh_token", refresh_token=spent)
    assert lumen.grant(grant_type="refresh_token", refresh_token=spent).json()["error"] == "invalid_grant"


def test_a_status_nobody_announced_and_fields_nobody_knows(lumen: Shop) -> None:
    (receipt_id,) = lumen.place()
    with lumen.fault("unknown_enum", "getShopReceipts", value="awaiting review"):
        assert lumen.receipts(checked=False)["results"][0]["status"] == "awaiting review"
    with lumen.fault("schema_extra", "getShopReceipts"):
        assert "climate_pledge" in lumen.receipts(checked=False)["results"][0]
    with lumen.fault("null_field", "getShopReceipts", field="transactions.title", match=receipt_id):
        assert lumen.receipts(checked=False)["results"][0]["transactions"][0]["title"] is None
    assert lumen.receipts()["results"][0]["status"] == "paid"


def test_orders_hidden_late_and_twice(lumen: Shop) -> None:
    ids = lumen.place(count=4)
    with lumen.fault("hide_order", "getShopReceipts", match=ids[1]):
        assert lumen.ids(sort_order="asc") == [ids[0], *ids[2:]]
        assert lumen.receipts()["count"] == 3
    with lumen.fault("search_lag", "getShopReceipts", seconds=60):
        assert lumen.ids() == []
    with lumen.fault("repeat_order", "getShopReceipts"):
        assert lumen.ids(sort_order="asc", limit=2, offset=2) == ids[1:3]
        assert lumen.ids(sort_order="asc", limit=2) == ids[:2]
    assert lumen.ids(sort_order="asc") == ids
