"""What needs a person: opened and closed by the code that knows, shown as banners and in *Needs you*.

Other apps do not import this module; they emit `alert.open` and `alert.close` (salestio/routes.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.timezone import now

from accounts.platforms import LABELS
from notifications.models import Alert
from salestio import tenancy

STOP, WARN, INFO = Alert.Level.STOP, Alert.Level.WARN, Alert.Level.INFO


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of alert reads. `{names}` come from its data; `button` leads to `url`, empty for none."""

    code: str
    level: str
    title: str
    text: str
    button: str = ""
    url: str = ""
    done: bool = False
    """Whether a person says when it is over: nothing we see does, or not always."""


_ALL = (
    Kind(
        "account_expired", STOP, "Account '{name}' has expired.",
        "Re-connect your {platform} account to ensure product and order synchronization. Orders wait; nothing is lost.",
        "Confirm connection", "/accounts/{id}/",
    ),
    Kind(
        "store_expired", STOP, "The connection to {name} has expired.",
        "Orders are imported and wait; nothing is lost. Install the app again to go on.", "Install again", "/accounts/",
    ),
    Kind(
        "account_ends_soon", WARN, "Access to {name} ends on {date}.",
        "Renew it before then and nothing pauses.", "Renew now", "/accounts/{id}/",
    ),
    Kind("check_failed", WARN, "{name}: the check found something.", "{text}", "Open accounts", "/accounts/"),
    Kind("set_up_incomplete", WARN, "{name}: something is missing.", "{missing}", "Open accounts", "/accounts/"),
    Kind("outbox_dead", STOP, "A message could not be delivered.", "{text}"),
    Kind("inbox_stuck", WARN, "Messages of your store cannot be read.", "They are tried again by themselves ({text})."),
    Kind(
        "access_denied", STOP, "{store} refuses {brand} this permission.",
        "“{texts}” Install the app again to grant it; orders wait, and nothing is lost.", "Open accounts", "/accounts/",
    ),
    Kind("ledger_differs", STOP, "The stock ledger does not add up in {count} places.", "{text}. We have been told."),
    Kind(
        "order_changed", WARN, "Order {order} changed on {platform_name} after it was created.",
        "{what_changed} Look at {store_order} in {store_name}.", "Open order", "/orders/{order_id}/", done=True,
    ),
    Kind(
        "order_unreadable", WARN, "A change of order {order} on {platform_name} could not be kept.",
        "Of what {platform_name} says of it now, {problem}. Compare it there with {store_order} in {store_name}.",
        "Open order", "/orders/{order_id}/", done=True,
    ),
    Kind(
        "order_without_id", STOP, "{platform_name} sent an order without a usable id to {account}.",
        "It came at {read_at} with {what_id} ({sent}). It cannot be imported: find it on {platform_name} and enter "
        "it in your store by hand. If {platform_name} sends it with an id, it is imported and this ends by itself.",
        "Open account", "/accounts/{id}/", done=True,
    ),
    Kind(
        "customization", WARN, "The customization of order {order}, line {line}, could not be fetched.",
        "{text} Look at what the buyer chose before you make the item.", "Open order", "/orders/{order_id}/",
    ),
    Kind(
        "total_differs", WARN, "The total of order {order} differs in {store_name}.",
        "The buyer paid {paid} {currency}, {store_order} says {store}.", "Open order", "/orders/{order_id}/", done=True,
    ),
    Kind(
        "oversold", STOP, "{sku}: more was sold than there is.",
        "{available} available in {location}. Raise its stock there, or cancel an order.",
    ),
    Kind(
        "claims_stock", WARN, "{name} does not lower stock when an order is made.",
        "Units stay kept until the parcel leaves.",
    ),
    Kind(
        "misplaced", WARN, "Order {order} was placed at another location.", "{text}", "Open order", "/orders/{order_id}/",
        done=True,
    ),
    Kind(
        "two_store_orders", STOP, "Order {order} is in your store more than once: {names}.",
        "Cancel the one that is too much, in {store_name}. Nothing is deleted by itself.",
        "Open order", "/orders/{order_id}/", done=True,
    ),
    Kind(
        "data_request", INFO, "A customer of {name} asks for their data.",
        "It concerns the store orders {orders}. Answer the customer within 30 days.",
    ),
)  # fmt: skip

CHANGES = {
    "canceled": "It was canceled there.",
    "lines": "Its lines are others now.",
    "address": "Its delivery address is another one now.",
    "total": "The buyer pays another total now.",
}

KINDS: dict[str, Kind] = {kind.code: kind for kind in _ALL}


class _Gaps(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "—"


@dataclass(frozen=True, slots=True)
class Reading:
    """An open alert in words."""

    alert: Alert
    title: str
    text: str
    button: str
    url: str

    @property
    def done(self) -> bool:
        """Say whether a person may take it off the list: it has no button, or nothing else says that it is over."""
        kind = KINDS.get(self.alert.kind)
        return kind is None or kind.done or not (self.button and self.url)

    @property
    def level(self) -> str:
        """Return stop, wait or work: the tone of its banner."""
        return self.alert.level


def raise_alert(*, kind: str, key: str, data: Mapping[str, Any] | None = None, level: str = "") -> None:
    """Open an alert of the active merchant, or bring the open one of this kind and key up to date.

    `data` holds numbers and names for the sentence, never personal data. A kind that is in no table is shown with its
    code and the level *stop*, because hiding it would be silence.
    """
    known = KINDS.get(kind)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notifications_alert (merchant_id, kind, key, level, data, opened_at)
            VALUES (%s, %s, %s, %s, %s::jsonb, now())
            ON CONFLICT (merchant_id, kind, key) WHERE closed_at IS NULL
            DO UPDATE SET data = EXCLUDED.data, level = EXCLUDED.level
            """,
            [
                tenancy.current_merchant_id(),
                kind[:40],
                key[:160],
                level or (known.level if known else STOP),
                _json(dict(data or {})),
            ],
        )


def close(*, kind: str, key: str) -> None:
    """Close the open alert of this kind and key, if there is one."""
    Alert.objects.filter(kind=kind, key=key, closed_at=None).update(closed_at=now())


def open_alerts(limit: int = 50) -> list[Reading]:
    """Return the active merchant's open alerts in words, the worst and newest first."""
    order: dict[str, int] = {STOP: 0, WARN: 1, INFO: 2}
    found = list(Alert.objects.filter(closed_at=None).order_by("-opened_at")[:limit])
    return [reading(alert) for alert in sorted(found, key=lambda alert: order.get(alert.level, 3))]


def reading(alert: Alert) -> Reading:
    """Return an alert's sentence, with its numbers and names filled in."""
    kind = KINDS.get(alert.kind)
    filled = _Gaps(alert.data)
    filled.setdefault("brand", settings.BRAND_NAME)
    if kind is None:
        return Reading(alert, alert.kind.replace("_", " ").capitalize(), str(alert.data.get("text", "")), "", "")
    for name, value in alert.data.items():
        if isinstance(value, list):
            filled[name] = ", ".join(str(one).rpartition("/")[2] if name == "orders" else str(one) for one in value)
    filled["platform"] = filled["platform_name"] = LABELS.get(str(alert.data.get("platform", "")), "the marketplace")
    filled["store_name"] = LABELS.get(str(alert.data.get("store_platform", "")), "your store")
    filled["what_changed"] = CHANGES.get(str(alert.data.get("what", "")), "It is not as it was.")
    url = kind.url.format_map(filled)
    url = "" if "—" in url else url
    return Reading(alert, kind.title.format_map(filled), kind.text.format_map(filled), kind.button, url)


def _json(value: dict[str, Any]) -> str:
    import json

    return json.dumps(value, default=str)
