"""What the Orders page and the navigation count, from the tally: one query each, never a count over the orders."""

from __future__ import annotations

from typing import Any

from django.db.models import Sum

from orders.models import OrderTally


def everything() -> dict[str, Any]:
    """Return the counts of the Orders page's views in one query: in all, per state, reason, fulfiller and account.

    Reasons are those of orders that are not in the store.
    """
    found: dict[str, Any] = {"all": 0, "states": {}, "fulfilled_by": {}, "accounts": {}, "reasons": {}}
    rows = OrderTally.objects.values_list("account_ref", "export_state", "reason_code", "fulfilled_by")
    for account, state, reason, fulfiller, number in rows.annotate(n=Sum("change")):
        found["all"] += number
        open_reason = reason if state != "created" else ""
        for group, key in (
            ("states", state), ("fulfilled_by", fulfiller), ("accounts", account), ("reasons", open_reason),
        ):  # fmt: skip
            if key:
                found[group][key] = found[group].get(key, 0) + number
    return found


def held() -> int:
    """Return how many orders need a person."""
    return OrderTally.objects.filter(export_state="held").aggregate(n=Sum("change"))["n"] or 0
