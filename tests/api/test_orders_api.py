"""Orders through the REST API: shapes, filters, cursors, export, events (CONTROL_API to the letter)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract.types import FulfilledBy, OrderStatus
from orders import pipeline
from orders.models import Order, OrderLine
from salestio import tenancy
from tests.api.conftest import Program
from tests.factories import Cast, amazon_line, make_variant
from tests.pages.conftest import NO_MATCH, OUT_OF_STOCK, in_store, save_order

pytestmark = pytest.mark.django_db


def test_an_order_has_every_member_that_checks_from_outside_rely_on(api: Program, merchant: Cast) -> None:
    order = save_order(merchant, amazon_line("NP-MUG", 2, "18.50"), after=OUT_OF_STOCK)

    found = api.get(f"/orders/{order.pk}")

    assert found["reason"] == {
        "code": "OUT_OF_STOCK",
        "message": "2 ordered, 1 available at Portland Warehouse: NP-MUG",
        "store_text": "Unable to reserve inventory",
        "action": "export",
        "items": [
            {"seller_sku": "NP-MUG", "sku": "NP-MUG", "wanted": 2, "available": 1, "location": "Portland Warehouse"}
        ],
    }
    members = ("platform", "account", "status", "fulfilled_by", "export_state", "total", "currency")
    assert {key: found[key] for key in members} == {
        "platform": "amazon", "account": merchant.account.pk, "status": "paid", "fulfilled_by": "merchant",
        "export_state": "held", "total": "37.00", "currency": "USD",
    }  # fmt: skip
    assert found["store_order_id"] is None and found["store_order_name"] is None and found["exported_at"] is None
    assert found["lines"][0] | {"title": ""} == {
        "number": 1, "seller_sku": "NP-MUG", "sku": "", "title": "", "variation": {}, "quantity": 2, "matched_by": "",
        "unit_price": "18.50", "total": "37.00",
    }  # fmt: skip
    assert found["imported_at"].endswith("Z")


@pytest.mark.parametrize(
    ("more", "state", "code"),
    [
        ({"status": OrderStatus.INCOMPLETE, "total": None}, "imported", "NOT_PAID_YET"),
        ({"fulfilled_by": FulfilledBy.MARKETPLACE, "status": OrderStatus.SHIPPED}, "skipped", "FBA_FILTERED"),
        ({"after": NO_MATCH}, "held", "NO_MATCH"),
        ({"after": {"export_state": "waiting", "reason_code": "STORE_DOWN"}}, "waiting", "STORE_DOWN"),
    ],
)
def test_states_and_reasons_are_told_as_agreed(
    api: Program, merchant: Cast, more: dict[str, Any], state: str, code: str
) -> None:
    found = api.get(f"/orders/{save_order(merchant, **more).pk}")

    assert (found["export_state"], found["reason"]["code"]) == (state, code)
    assert found["reason"]["message"]


def test_the_store_text_of_a_missing_product_names_brand_order_and_every_sku(api: Program, merchant: Cast) -> None:
    order = save_order(merchant, after=NO_MATCH | {"reason_data": {"skus": ["A-1", "A-2"]}})

    text = api.get(f"/orders/{order.pk}")["reason"]["store_text"]

    assert text == (
        f"Salestio can't export Amazon order #{order.marketplace_order_id} into your Shopify store. "
        "Reason: Missing products in Shopify: SKU: A-1, A-2"
    )


def test_an_order_in_the_store_has_no_reason(api: Program, merchant: Cast) -> None:
    found = api.get(f"/orders/{save_order(merchant, after=in_store('#7')).pk}")

    assert found["reason"] is None
    assert (found["store_order_id"], found["store_order_name"]) == ("gid://shopify/Order/7", "#7")


def test_cursors_walk_over_every_order_once_while_new_ones_arrive(api: Program, merchant: Cast) -> None:
    bought = datetime.now(UTC) - timedelta(minutes=5)
    made = {save_order(merchant, purchased_at=bought).pk for _ in range(7)}

    seen: list[int] = []
    cursor = ""
    while True:
        page = api.get(f"/orders?limit=3{f'&cursor={cursor}' if cursor else ''}")
        seen += [order["id"] for order in page["results"]]
        save_order(merchant)
        cursor = page["next"]
        if not cursor:
            break

    assert sorted(seen) == sorted(made)


def test_orders_are_found_by_marketplace_id_and_by_several_states(api: Program, merchant: Cast) -> None:
    held, stored = save_order(merchant, after=OUT_OF_STOCK), save_order(merchant, after=in_store())
    save_order(merchant, after={"export_state": "skipped", "reason_code": "IMPORT_OFF"})

    by_id = api.get(f"/orders?marketplace_order_id={held.marketplace_order_id}")["results"]
    both = api.get("/orders?export_state=held,created")["results"]
    paged = api.get("/orders?export_state=held,created&limit=1")

    assert [order["id"] for order in by_id] == [held.pk]
    assert {order["id"] for order in both} == {held.pk, stored.pk}
    assert paged["next"] and len(paged["results"]) == 1


def test_updated_since_lists_changes_oldest_first_and_pages(api: Program, merchant: Cast) -> None:
    early, late, other = (save_order(merchant) for _ in range(3))
    base = datetime(2026, 11, 1, tzinfo=UTC)
    with tenancy.scope(merchant.id):
        for order, hours in ((early, 5), (late, 9), (other, 1)):
            Order.objects.filter(pk=order.pk).update(changed_at=base + timedelta(hours=hours))

    first = api.get("/orders?updated_since=2026-11-01T02:00:00Z&limit=1")
    second = api.get(f"/orders?updated_since=2026-11-01T02:00:00Z&limit=1&cursor={first['next']}")

    assert [order["id"] for order in first["results"] + second["results"]] == [early.pk, late.pk]
    assert second["next"] is None


@pytest.mark.parametrize(
    "path",
    [
        "/orders?limit=0", "/orders?limit=1001", "/orders?limit=x", "/orders?limit=-1", "/orders?cursor=zz",
        "/orders?export_state=bogus",
        "/orders?updated_since=yesterday", "/orders?updated_since=0001-01-01", "/sku-mappings?account=x", "/orders?limit=%D9%A3",
    ],
)  # fmt: skip
def test_nonsense_in_a_query_is_422_naming_the_field(api: Program, path: str) -> None:
    answer = api.call("GET", path)

    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert list(answer.json()["errors"]) == [path.split("?")[1].split("=")[0]]


def test_export_calls_the_pipeline_outside_any_scope_and_answers_the_order(
    api: Program, merchant: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)
    asked: list[dict[str, Any]] = []

    def advance(merchant_id: int, order_id: int, **wishes: Any) -> pipeline.Outcome:
        assert not tenancy.active()
        asked.append(wishes)
        with tenancy.scope(merchant_id):
            Order.objects.filter(pk=order_id).update(**in_store("#9"))
        return pipeline.Outcome("created", "", "", "#9")

    monkeypatch.setattr(pipeline, "advance", advance)
    answer = api.call("POST", f"/orders/{order.pk}/export", {"create_anyway": True})

    assert asked == [{"actor": "API token warehouse", "create_anyway": True, "again": False}]
    assert answer.status_code == 200
    assert (answer.json()["export_state"], answer.json()["store_order_name"], answer.json()["outcome"]["acted"]) == (
        "created",
        "#9",
        True,
    )


def test_the_same_key_exports_once(api: Program, merchant: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)
    calls: list[int] = []
    monkeypatch.setattr(
        pipeline, "advance", lambda *_, **__: calls.append(1) or pipeline.Outcome("held", "OUT_OF_STOCK", "short")
    )

    first = api.call("POST", f"/orders/{order.pk}/export", {}, idempotency_key="k-1")
    again = api.call("POST", f"/orders/{order.pk}/export", {}, idempotency_key="k-1")
    other = api.call("POST", f"/orders/{order.pk}/export", {"create_anyway": True}, idempotency_key="k-1")

    assert calls == [1]
    assert first.json() == again.json() and again["Idempotent-Replayed"] == "true"
    assert other.status_code == 422


def test_a_key_whose_first_request_failed_may_be_used_again(
    api: Program, merchant: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)

    def broken(*_: Any, **__: Any) -> pipeline.Outcome:
        raise RuntimeError("the database went away")

    monkeypatch.setattr(pipeline, "advance", broken)
    api.client.raise_request_exception = False
    failed = api.call("POST", f"/orders/{order.pk}/export", {}, idempotency_key="k-2")
    monkeypatch.setattr(pipeline, "advance", lambda *_, **__: pipeline.Outcome("held", "OUT_OF_STOCK", "short"))
    worked = api.call("POST", f"/orders/{order.pk}/export", {}, idempotency_key="k-2")

    assert (failed.status_code, worked.status_code) == (500, 200)
    assert failed["Content-Type"] == "application/problem+json"
    assert "database went away" not in failed.content.decode()


def test_events_are_newest_first_with_sentence_and_actor(api: Program, merchant: Cast) -> None:
    order = save_order(merchant)

    events = api.get(f"/orders/{order.pk}/events")["results"]

    assert set(events[0]) == {"at", "stage", "code", "message", "actor", "attempt"}
    assert events[-1]["code"] == "IMPORTED" and events[-1]["message"].startswith("Imported from Amazon")
    page = api.get(f"/orders/{order.pk}/events?limit=1")
    assert len(page["results"]) == 1


def test_a_line_is_matched_by_the_stores_sku(api: Program, merchant: Cast) -> None:
    order = save_order(merchant, amazon_line("AMZ-1"), after=NO_MATCH)
    variant = make_variant(merchant, "NP-1")
    make_variant(merchant, "TWICE")
    make_variant(merchant, "TWICE")
    url = f"/orders/{order.pk}/lines/1/match"

    missing, double, empty = (api.call("POST", url, body) for body in ({"sku": "NOPE"}, {"sku": "TWICE"}, {}))
    done = api.call("POST", url, {"sku": "NP-1", "remember": "all"})
    nowhere = api.call("POST", f"/orders/{order.pk}/lines/9/match", {"sku": "NP-1"})

    assert [answer.status_code for answer in (missing, double, empty, done, nowhere)] == [422, 422, 422, 200, 404]
    assert "exists on 2 products" in double.json()["errors"]["sku"]
    assert done.json()["lines"][0]["matched_by"] == "person"
    with tenancy.scope(merchant.id):
        assert OrderLine.objects.get(order_id=order.pk).variant_id == variant.pk
    assert [row["sku"] for row in api.get("/sku-mappings")["results"]] == ["NP-1"]


def test_the_summary_counts_states_and_reasons(api: Program, merchant: Cast) -> None:
    for after in (OUT_OF_STOCK, OUT_OF_STOCK, NO_MATCH, in_store()):
        save_order(merchant, after=after)

    found = api.get("/summary")

    assert found["states"] == {"held": 3, "created": 1}
    assert found["reasons"] == {"OUT_OF_STOCK": 2, "NO_MATCH": 1}


def test_a_price_that_does_not_divide_is_rounded_to_the_currency(api: Program, merchant: Cast) -> None:
    line = amazon_line("NP-3", 3, "1.00", item_total=Decimal("10.00"), total=Decimal("10.00"))

    found = api.get(f"/orders/{save_order(merchant, line).pk}")

    assert (found["lines"][0]["unit_price"], found["lines"][0]["total"]) == ("3.33", "10.00")


def test_another_merchants_token_finds_nothing(
    merchant: Cast, stranger: Cast, program_of: Callable[..., Program]
) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)
    theirs = program_of(stranger)

    for method, path in (
        ("GET", f"/orders/{order.pk}"), ("POST", f"/orders/{order.pk}/export"), ("GET", f"/orders/{order.pk}/events"),
        ("POST", f"/accounts/{merchant.account.pk}/pull"), ("GET", f"/accounts/{merchant.account.pk}/settings"),
        ("PATCH", f"/stores/{merchant.store.pk}/settings"), ("DELETE", "/sku-mappings/1"),
    ):  # fmt: skip
        assert theirs.call(method, path, {}).status_code == 404, path
    assert theirs.call("POST", f"/orders/{order.pk}/lines/1/match", {"sku": "X"}).status_code == 404
    assert theirs.get("/orders")["results"] == []
    assert theirs.get(f"/orders?marketplace_order_id={order.marketplace_order_id}")["results"] == []
    assert [account["id"] for account in theirs.get("/accounts")["results"]] == [stranger.account.pk]
    assert theirs.get("/summary") == {"states": {}, "reasons": {}}
