"""Setting a store up and looking it over: webhooks made, mended and ended; what only the merchant can mend."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.bigcommerce import webhooks
from connectors.bigcommerce.connector import BigCommerce
from connectors.contract.errors import TransientError
from tests.connectors.bigcommerce.cast import (
    SECRET,
    STORE,
    calls,
    page,
    sent,
    serve,
    settings,
    stock_row,
    store_facts,
)
from tests.connectors.wire import Wire, answer

ADDRESS = "https://app.example.com/webhooks/bigcommerce"
OUR_HEADER = {webhooks.HOOK_HEADER: webhooks.hook_value(STORE, SECRET)}


def hook(number: int, scope: str, **changes: Any) -> dict[str, Any]:
    given = {
        "id": number,
        "client_id": "client-of-ours",
        "store_hash": STORE,
        "scope": scope,
        "destination": ADDRESS,
        "is_active": True,
        "headers": OUR_HEADER,
        "created_at": 1561488106,
        "updated_at": 1561488106,
    }
    return {**given, **changes}


def all_hooks(**changes: Any) -> list[dict[str, Any]]:
    """Return every hook we want; `changes` are those of the first."""
    made = [hook(number, topic.scope) for number, topic in enumerate(webhooks.TOPICS, 1)]
    return [{**made[0], **changes}, *made[1:]]


def answered(body: dict[str, Any]) -> Any:
    return answer(200, {"data": body, "meta": {}})


@pytest.mark.usefixtures("odd_answers")
def test_a_new_store_gets_every_webhook_with_our_header(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {"GET /v3/hooks": answer(200, page()), "POST /v3/hooks": answered(hook(1, "store/app/uninstalled"))})

    report = store.set_up(webhook_url=ADDRESS)

    made = sent(wire, "POST /v3/hooks")
    assert {one["scope"] for one in made} == {topic.scope for topic in webhooks.TOPICS}
    assert all(one["destination"] == ADDRESS and one["headers"] == OUR_HEADER and one["is_active"] for one in made)
    assert report.done == (f"{len(webhooks.TOPICS)} webhooks created.",)
    assert report.missing == ()


def test_a_store_that_is_set_up_is_left_alone(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {"GET /v3/hooks": answer(200, page(*all_hooks()))})

    report = store.set_up(webhook_url=ADDRESS)

    assert (report.done, report.missing) == ((), ())
    assert calls(wire) == ["GET /v3/hooks"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"is_active": False}, id="deactivated"),
        pytest.param({"destination": "https://old.example.com/hooks"}, id="another address"),
        pytest.param({"headers": None}, id="no header"),
        pytest.param({"headers": {webhooks.HOOK_HEADER: "old"}}, id="an old secret"),
    ],
)
def test_a_webhook_that_is_not_right_is_mended(wire: Wire, store: BigCommerce, changes: dict[str, Any]) -> None:
    serve(
        wire,
        {
            "GET /v3/hooks": answer(200, page(*all_hooks(**changes))),
            "PUT /v3/hooks/{id}": answered(hook(1, webhooks.TOPICS[0].scope)),
        },
    )

    report = store.set_up(webhook_url=ADDRESS)

    assert sent(wire, "PUT /v3/hooks/1") == [{"destination": ADDRESS, "is_active": True, "headers": OUR_HEADER}]
    assert report.done == ("1 webhook corrected or made active again.",)


def test_doubles_and_what_we_no_longer_act_on_are_ended_and_others_are_not_touched(
    wire: Wire, store: BigCommerce
) -> None:
    extra = [
        hook(90, webhooks.TOPICS[0].scope, destination="https://old.example.com/hooks"),
        hook(91, "store/cart/created"),
        hook(92, "store/cart/created", destination="https://elsewhere.example.com/hooks"),
    ]
    serve(
        wire,
        {
            "GET /v3/hooks": answer(200, page(*all_hooks(), *extra)),
            "DELETE /v3/hooks/90": answered(extra[0]),
        },
    )

    report = store.set_up(webhook_url=ADDRESS)

    assert calls(wire)[1:] == ["DELETE /v3/hooks/90", "DELETE /v3/hooks/91"]
    assert report.done == ("2 webhooks removed.",)


def test_an_event_the_store_refuses_does_not_cost_us_the_others(wire: Wire, store: BigCommerce) -> None:
    refused = {"status": 422, "title": "JSON data is missing or invalid", "errors": {"scope": "unknown"}}
    serve(
        wire,
        {
            "GET /v3/hooks": answer(200, page(*all_hooks()[2:])),
            "POST /v3/hooks": [answer(422, refused), answered(hook(2, webhooks.TOPICS[1].scope))],
        },
    )

    report = store.set_up(webhook_url=ADDRESS)

    assert report.done == ("1 webhook created.",)
    assert report.missing == (
        f"The store does not tell us about {webhooks.TOPICS[0].scope}: JSON data is missing or invalid: unknown",
    )


def test_an_event_we_can_do_without_is_not_missed(wire: Wire, store: BigCommerce) -> None:
    optional = {topic.scope for topic in webhooks.TOPICS if topic.optional}
    known = [one for one in all_hooks() if one["scope"] not in optional]
    refused = {"status": 422, "title": "JSON data is missing or invalid", "errors": {"scope": "unknown"}}
    serve(wire, healthy(**{"GET /v3/hooks": answer(200, page(*known)), "POST /v3/hooks": answer(422, refused)}))

    report = store.set_up(webhook_url=ADDRESS)

    assert {one["scope"] for one in sent(wire, "POST /v3/hooks")} == optional
    assert (report.done, report.missing) == ((), ())
    assert found(store)["webhooks"] is True


# ── looking over ─────────────────────────────────────────────────────────────────────────────────────────────────────


def healthy(**changes: Any) -> dict[str, Any]:
    return {
        "GET /v2/store": answer(200, store_facts()),
        "GET /v2/order_statuses": answer(200, []),
        "GET /v3/catalog/products": answer(200, page()),
        "GET /v3/inventory/items": answer(200, page(stock_row((1, 1)))),
        "GET /v3/inventory/locations": answer(200, page({"id": 1, "label": "Asheville Workshop"})),
        "GET /v3/hooks": answer(200, page(*all_hooks())),
        "GET /v3/settings/inventory": answer(200, settings()),
        **changes,
    }


def found(store: BigCommerce) -> dict[str, bool | None]:
    return {one.code: one.ok for one in store.check()}


def test_a_healthy_store_has_nothing_to_mend(wire: Wire, store: BigCommerce) -> None:
    serve(wire, healthy())

    looked = store.check()

    assert all(one.ok is True for one in looked)
    assert all(one.sentence and not one.fix for one in looked)
    assert {"store", "right_orders", "webhooks", "stock_setting"} <= {one.code for one in looked}


def test_a_right_that_was_not_granted_is_named_with_its_mending(wire: Wire, store: BigCommerce) -> None:
    serve(wire, healthy(**{"GET /v3/inventory/items": answer(403, {"status": 403, "title": "No permission"})}))

    (lacking,) = [one for one in store.check() if one.ok is False]

    assert lacking.code == "right_inventory"
    assert lacking.fix


def test_what_could_not_be_looked_at_is_neither_well_nor_ill(wire: Wire, store: BigCommerce) -> None:
    down = answer(503, {})
    serve(wire, healthy(**{"GET /v3/hooks": down, "GET /v3/settings/inventory": down, "GET /v2/order_statuses": down}))

    assert {code for code, ok in found(store).items() if ok is None} == {"right_orders", "webhooks", "stock_setting"}


def test_stopped_webhooks_are_told(wire: Wire, store: BigCommerce) -> None:
    serve(wire, healthy(**{"GET /v3/hooks": answer(200, page(*all_hooks(is_active=False)))}))

    (stopped,) = [one for one in store.check() if one.ok is False]

    assert webhooks.TOPICS[0].scope in stopped.sentence


def test_a_store_that_keeps_units_of_canceled_orders_is_told(wire: Wire, store: BigCommerce) -> None:
    serve(wire, healthy(**{"GET /v3/settings/inventory": answer(200, settings("order_placed", False))}))

    assert found(store)["restock_setting"] is False


def test_a_store_that_does_not_answer_cannot_be_looked_over(wire: Wire, store: BigCommerce) -> None:
    serve(wire, {"GET /v2/store": answer(503, {})})

    with pytest.raises(TransientError):
        store.check()
