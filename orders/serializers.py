"""The shapes of the REST API: what goes out as plain dictionaries, and serializers that describe and check them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from accounts.models import MarketplaceAccount, Store
from inventory.domain.mapping_file import LONGEST_SKU, MOST_UNITS
from inventory.models import SkuMapping
from orders import log_words, reasons
from orders.domain.states import ExportState
from orders.models import Order, OrderEvent, OrderLine, Status
from salestio.lib.money import rounded, shown


def moment(at: datetime | None) -> str | None:
    """Return an ISO 8601 time in UTC, None for none."""
    return at.isoformat().replace("+00:00", "Z") if at else None


def money(amount: Decimal | None, currency: str) -> str | None:
    """Return a decimal string with the currency's decimals, None while the marketplace has told none."""
    return None if amount is None else shown(amount, currency or "USD")


def reason_of(order: Order) -> dict[str, Any] | None:
    """Return why an order is where it is, None where nothing needs a reason (CONTROL_API `order.reason`)."""
    code = order.reason_code
    if not code or order.export_state == "created" and code != "GONE_IN_STORE":
        return None
    data = dict(order.reason_data) | {
        "platform": order.platform, "store_platform": order.store.platform, "order": order.marketplace_order_id,
    }  # fmt: skip
    known = reasons.REASONS.get(code)
    return {
        "code": code,
        "message": reasons.sentence(code, data),
        "store_text": reasons.sentence(code, data, part="store_text") if known else "",
        "action": known.action if known else "",
        "items": [_item(item) for item in data.get("items", [])]
        or [_item({"seller_sku": sku}) for sku in data.get("skus", [])],
    }


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "seller_sku": item.get("seller_sku", ""), "sku": item.get("sku", ""), "wanted": item.get("wanted"),
        "available": item.get("available"), "location": item.get("location") or "",
    }  # fmt: skip


def line_data(line: OrderLine, currency: str) -> dict[str, Any]:
    """Return one line of an order."""
    price = line.item_total / line.quantity if line.item_total is not None and line.quantity else None
    return {
        "number": line.number,
        "seller_sku": line.seller_sku,
        "sku": line.matched_sku,
        "title": line.title,
        "variation": dict(pair for pair in line.variation if len(pair) == 2),
        "quantity": line.quantity,
        "matched_by": line.matched_by,
        "unit_price": money(rounded(price, currency or "USD"), currency) if price is not None else None,
        "total": money(line.item_total, currency),
    }


def order_data(order: Order, lines: Sequence[OrderLine]) -> dict[str, Any]:
    """Return an order as CONTROL_API has it."""
    return {
        "id": order.pk,
        "platform": order.platform,
        "account": order.account_id,
        "marketplace_order_id": order.marketplace_order_id,
        "site": order.site,
        "status": order.status,
        "fulfilled_by": order.fulfilled_by,
        "export_state": order.export_state,
        "reason": reason_of(order),
        "next_attempt_at": moment(order.next_attempt_at),
        "store": order.store_id,
        "store_order_id": order.store_order_id or None,
        "store_order_name": order.store_order_name or None,
        "total": money(order.total, order.currency),
        "currency": order.currency or None,
        "lines": [line_data(line, order.currency) for line in lines],
        "purchased_at": moment(order.purchased_at),
        "ship_by": moment(order.ship_by),
        "imported_at": moment(order.imported_at),
        "exported_at": moment(order.exported_at),
        "updated_at": moment(order.changed_at),
    }


def event_data(event: OrderEvent, order: Order) -> dict[str, Any]:
    """Return one line of an order's log."""
    line = log_words.line(event, order.platform, order.store.platform)
    message = f"{line.text} {line.detail}".strip() if line.detail else line.text
    return {"at": moment(event.at), "stage": event.stage, "code": event.code, "message": message, "actor": line.who,
            "attempt": event.attempt}  # fmt: skip


def account_data(account: MarketplaceAccount, lags: Mapping[int, float]) -> dict[str, Any]:
    """Return a marketplace account; `lags` is account id → import lag in seconds."""
    return {
        "id": account.pk, "platform": account.platform, "key": account.key, "name": account.name, "region": account.region,
        "sites": account.sites, "state": account.state, "store": account.store_id,
        "newest_order_at": moment(account.newest_order_at), "last_pull_at": moment(account.last_pull_at),
        "import_lag_p95_seconds": lags.get(account.pk),
        "checked_at": moment(account.checked_at), "findings": account.findings,
    }  # fmt: skip


def store_data(store: Store) -> dict[str, Any]:
    """Return a store."""
    return {"id": store.pk, "platform": store.platform, "key": store.key, "name": store.name, "state": store.state,
            "currency": store.currency}  # fmt: skip


def mapping_data(row: SkuMapping) -> dict[str, Any]:
    """Return a SKU mapping; `account` is None for all accounts, `parts` is everything one unit sold is in the store."""
    return {"id": row.pk, "store": row.store_id, "account": row.account_id, "seller_sku": row.seller_sku, "sku": row.sku,
            "quantity": row.quantity, "parts": [{"sku": sku, "quantity": units} for sku, units in row.target],
            "created_at": moment(row.created_at), "created_by": row.created_by}  # fmt: skip


# ── descriptions and checks ──────────────────────────────────────────────────────────────────────────────────────────


class ReasonItem(serializers.Serializer[Any]):
    seller_sku = serializers.CharField()
    sku = serializers.CharField()
    wanted = serializers.IntegerField(allow_null=True)
    available = serializers.IntegerField(allow_null=True)
    location = serializers.CharField()


class Reason(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField(help_text="In the merchant's words, with SKU and numbers.")
    store_text = serializers.CharField(help_text="The exact sentence merchants search for; may be empty.")
    action = serializers.CharField(
        help_text="What a person can do: export, match, address, reconnect, check, open or empty."
    )
    items = ReasonItem(many=True)


class Line(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    seller_sku = serializers.CharField()
    sku = serializers.CharField(help_text="The store's SKU it was matched to.")
    title = serializers.CharField()
    variation = serializers.DictField(child=serializers.CharField())
    quantity = serializers.IntegerField()
    matched_by = serializers.CharField(help_text="account_mapping, mapping, sku, title, person or empty.")
    unit_price = serializers.CharField(allow_null=True)
    total = serializers.CharField(allow_null=True)


class OrderShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    platform = serializers.CharField()
    account = serializers.IntegerField()
    marketplace_order_id = serializers.CharField()
    site = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    fulfilled_by = serializers.ChoiceField(choices=["merchant", "marketplace"])
    export_state = serializers.ChoiceField(choices=ExportState.choices())
    reason = Reason(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    store = serializers.IntegerField()
    store_order_id = serializers.CharField(allow_null=True)
    store_order_name = serializers.CharField(allow_null=True)
    total = serializers.CharField(allow_null=True, help_text="Decimal string in the currency's own units.")
    currency = serializers.CharField(allow_null=True)
    lines = Line(many=True)
    purchased_at = serializers.DateTimeField()
    ship_by = serializers.DateTimeField(allow_null=True)
    imported_at = serializers.DateTimeField()
    exported_at = serializers.DateTimeField(allow_null=True)
    updated_at = serializers.DateTimeField(help_text="When its export state last changed.")


class OrderPageShape(serializers.Serializer[Any]):
    results = OrderShape(many=True)
    next = serializers.CharField(allow_null=True, help_text="Give it back as `cursor`; null on the last page.")


class Outcome(serializers.Serializer[Any]):
    acted = serializers.BooleanField(help_text="False when it was in the store already or a worker had it.")
    message = serializers.CharField()


class ExportedOrder(OrderShape):
    outcome = Outcome()


class ExportInput(serializers.Serializer[Any]):
    create_anyway = serializers.BooleanField(
        default=False, help_text="Send it although stock is short; may go below zero."
    )
    again = serializers.BooleanField(default=False, help_text="Make a new one after it was removed in the store.")


class Event(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    stage = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()
    actor = serializers.CharField()
    attempt = serializers.IntegerField()


class EventPage(serializers.Serializer[Any]):
    results = Event(many=True)
    next = serializers.CharField(allow_null=True)


class Finding(serializers.Serializer[Any]):
    """One point of the last check of a connection (F9); `ok` null: it could not be looked at."""

    code = serializers.CharField()
    ok = serializers.BooleanField(allow_null=True)
    sentence = serializers.CharField()
    fix = serializers.CharField(allow_blank=True)


class Account(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    platform = serializers.CharField()
    key = serializers.CharField()
    name = serializers.CharField()
    region = serializers.CharField()
    sites = serializers.ListField(child=serializers.CharField())
    state = serializers.ChoiceField(choices=["active", "expired", "disabled"])
    store = serializers.IntegerField()
    newest_order_at = serializers.DateTimeField(allow_null=True)
    last_pull_at = serializers.DateTimeField(allow_null=True)
    import_lag_p95_seconds = serializers.FloatField(
        allow_null=True, help_text="From the marketplace to here, orders of the last 24 hours; null without any."
    )
    checked_at = serializers.DateTimeField(allow_null=True)
    findings = Finding(many=True)


class AccountList(serializers.Serializer[Any]):
    results = Account(many=True)
    next = serializers.CharField(allow_null=True)


class StoreShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    platform = serializers.CharField()
    key = serializers.CharField()
    name = serializers.CharField()
    state = serializers.CharField()
    currency = serializers.CharField()


class StoreList(serializers.Serializer[Any]):
    results = StoreShape(many=True)
    next = serializers.CharField(allow_null=True)


class Summary(serializers.Serializer[Any]):
    states = serializers.DictField(child=serializers.IntegerField())
    reasons = serializers.DictField(child=serializers.IntegerField())


class MappingPart(serializers.Serializer[Any]):
    sku = serializers.CharField(max_length=LONGEST_SKU)
    quantity = serializers.IntegerField(min_value=1, max_value=MOST_UNITS, default=1)


class Mapping_(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    store = serializers.IntegerField()
    account = serializers.IntegerField(allow_null=True)
    seller_sku = serializers.CharField()
    sku = serializers.CharField(help_text="The store's SKU; of a bundle its first part.")
    quantity = serializers.IntegerField(help_text="Units of `sku` in one unit sold.")
    parts = MappingPart(many=True, help_text="All parts; one for a plain mapping or a multipack.")
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()


class MappingPage(serializers.Serializer[Any]):
    results = Mapping_(many=True)
    next = serializers.CharField(allow_null=True)


class MappingInput(serializers.Serializer[Any]):
    seller_sku = serializers.CharField(max_length=255)
    sku = serializers.CharField(max_length=255, required=False, help_text="The store's SKU; or give `parts`.")
    quantity = serializers.IntegerField(
        min_value=1, max_value=MOST_UNITS, default=1, help_text="Units of `sku` in one unit sold (multipack)."
    )
    parts = MappingPart(many=True, required=False, help_text="A bundle's parts, instead of `sku` and `quantity`.")
    account = serializers.IntegerField(allow_null=True, default=None, help_text="Empty: for all accounts.")
    store = serializers.IntegerField(
        required=False, help_text="Needed only when there are several stores and no account."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("sku") and not attrs.get("parts"):
            raise serializers.ValidationError({"sku": "Give a store SKU, or the parts of a bundle"})
        if attrs.get("sku") and attrs.get("parts"):
            raise serializers.ValidationError({"parts": "Give either a store SKU or parts, not both"})
        return attrs


class MatchInput(serializers.Serializer[Any]):
    sku = serializers.CharField(max_length=255, required=False, help_text="The store's SKU; must be one product's.")
    variant = serializers.CharField(max_length=120, required=False, help_text="Or the store's own id of the variant.")
    remember = serializers.ChoiceField(choices=["", "account", "all"], default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("sku") and not attrs.get("variant"):
            raise serializers.ValidationError({"sku": "Give a store SKU, or the store's id of the variant"})
        return attrs


class Asked(serializers.Serializer[Any]):
    asked = serializers.BooleanField()


class Problem(serializers.Serializer[Any]):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = serializers.DictField(required=False)  # type: ignore[assignment]
