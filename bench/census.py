"""Count, after everything came to rest: lost, duplicate, oversold, silent, wrong state, wrong sum, wrong stock.

The truth is the sandbox's record of what the store accepted; our REST API is asked only for what we claim.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from bench.outside import Doc, Failed, Merchant, Sandbox, say

RESTING = {"created", "held", "skipped", "canceled"}
TAKES_NO_STOCK = {"FBA", "fulfilled by eBay", "shipped already"}


@dataclass(slots=True)
class Placed:
    """One order a buyer placed: which kind, where, and in which states it may rest."""

    id: str
    seller: str
    kind: str
    lines: list[tuple[str, int]]
    may_be: frozenset[str]
    reason: str = ""
    total: Decimal | None = None
    platform: str = "amazon"


@dataclass(slots=True)
class Count:
    """What was found wrong, each as sentences; all empty is the promise kept."""

    lost: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    oversold: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    wrong_state: list[str] = field(default_factory=list)
    wrong_total: list[str] = field(default_factory=list)
    wrong_stock: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, other: Count) -> None:
        """Take in what was found at another merchant."""
        for name, found in self.findings.items():
            found += other.findings[name]
        self.states += other.states
        self.reasons += other.reasons

    @property
    def findings(self) -> dict[str, list[str]]:
        """Return the lists by name."""
        names = ("lost", "duplicates", "oversold", "silent", "wrong_state", "wrong_total", "wrong_stock")
        return {name: getattr(self, name) for name in names}

    @property
    def clean(self) -> bool:
        """Say whether nothing at all was found."""
        return not any(self.findings.values())

    def table(self) -> str:
        """Return the table a person reads, with the first examples of whatever is wrong."""
        rows = [f"  {name.replace('_', ' '):<14} {len(found):>6}" for name, found in self.findings.items()]
        rows += [f"  … {name}: {text}" for name, found in self.findings.items() for text in found[:8]]
        rows.append("  states         " + ", ".join(f"{state} {n}" for state, n in self.states.most_common()))
        rows.append(
            "  reasons        " + (", ".join(f"{code} {n}" for code, n in self.reasons.most_common()) or "none")
        )
        return "\n".join(rows)


Stock = dict[str, int]


def stock_of(sandbox: Sandbox, store: str) -> Stock:
    """Return SKU → units available over all locations, for tracked SKUs that exist once."""
    rows = [row for row in sandbox.variants(store) if row["tracked"] and row["sku"]]
    seen = Counter(row["sku"] for row in rows)
    return {row["sku"]: sum(place["available"] for place in row["locations"]) for row in rows if seen[row["sku"]] == 1}


def wait_until_quiet(merchant: Merchant, placed: Iterable[Placed], *, seconds: float) -> float:
    """Wait until every order placed is known and rests; return the seconds it took. Does not raise: the count tells."""
    wanted = {one.id: one.may_be for one in placed}
    began = time.monotonic()
    said = began
    while time.monotonic() - began < seconds:
        try:
            counted = merchant.states()
            moving = sum(n for state, n in counted.items() if state in ("waiting", "sending", "unknown", "imported"))
            resting_imported = sum("imported" in states for states in wanted.values())
            if sum(counted.values()) >= len(wanted) and moving <= resting_imported and _rests(merchant, wanted):
                return time.monotonic() - began
        except (OSError, Failed) as error:
            say(f"  (asking again: {error})")
            counted = {}
        if time.monotonic() - said > 10:
            said = time.monotonic()
            say(f"  {said - began:4.0f} s: {counted}")
        time.sleep(0.5)
    return time.monotonic() - began


def _rests(merchant: Merchant, wanted: dict[str, frozenset[str]]) -> bool:
    found = {row["marketplace_order_id"]: row["export_state"] for row in merchant.orders()}
    return all(
        found.get(order_id, "") in states or found.get(order_id) in RESTING for order_id, states in wanted.items()
    )


def count(sandbox: Sandbox, merchant: Merchant, placed: list[Placed], before: Stock) -> Count:
    """Compare what was placed with what the store has and with what we say. `before`: the stock at the start."""
    result = Count()
    ours = {row["marketplace_order_id"]: row for row in merchant.orders()}
    theirs: dict[str, list[Doc]] = defaultdict(list)
    for order in sandbox.store_orders(merchant.store):
        theirs[order["reference"]].append(order)
    for one in placed:
        _count_order(result, one, ours.get(one.id), theirs.get(one.id, []))
    known = {one.id for one in placed}
    result.duplicates += [f"{key}: nobody placed this order" for key in theirs if key not in known]
    # What was shipped before we heard of it left the shelf before, too; FBA orders never were on it.
    no_stock = {one.id for one in placed if one.kind in TAKES_NO_STOCK}
    _count_stock(result, sandbox, merchant, before, [made for key, made in theirs.items() if key not in no_stock])
    for write in sandbox.writes(kind="oversold", key=merchant.store, body=1):
        result.oversold.append(f"{write['reference']}: {write.get('body')}")
    return result


def _count_order(result: Count, one: Placed, row: Doc | None, made: list[Doc]) -> None:
    if row is None:
        result.lost.append(f"{one.id} ({one.kind}) is not known to us")
        return
    state, reason = row["export_state"], row["reason"]
    code = reason["code"] if reason else ""
    result.states[state] += 1
    if code:
        result.reasons[code] += 1
    if len(made) > 1:
        result.duplicates.append(f"{one.id} ({one.kind}): {', '.join(order['name'] for order in made)}")
    if state == "created" and not made:
        result.lost.append(
            f"{one.id} ({one.kind}) is said to be {row['store_order_name']}, the store has no such order"
        )
    elif state != "created" and made:
        result.lost.append(f"{one.id} ({one.kind}) is {made[0]['name']} in the store, we say {state} {code}")
    if silence := _silence(state, reason, row):
        result.silent.append(f"{one.id} ({one.kind}): {silence}")
    if state not in one.may_be or (one.reason and state != "created" and code != one.reason):
        result.wrong_state.append(
            f"{one.id} ({one.kind}): {state} {code}, not {'/'.join(sorted(one.may_be))} {one.reason}"
        )
    if made and one.total is not None and Decimal(made[0]["total"]) != one.total:
        result.wrong_total.append(
            f"{one.id} ({one.kind}): {made[0]['total']} {made[0]['currency']}, buyer paid {one.total}"
        )


def _silence(state: str, reason: Doc | None, row: Doc) -> str:
    """Return why an order that is not where it should be says too little, '' when it says enough (promise 4)."""
    if state in ("created", "canceled"):
        return ""
    if state == "sending":
        return "still sending although everything is at rest"
    if reason is None or not reason["code"] or not reason["message"]:
        return f"{state} without a reason in words"
    if state in ("waiting", "unknown") and not row["next_attempt_at"]:
        return f"{state} ({reason['code']}) without the time of its next try"
    return ""


def _count_stock(
    result: Count, sandbox: Sandbox, merchant: Merchant, before: Stock, theirs: Iterable[list[Doc]]
) -> None:
    """What left the shelf must be what the store's open orders hold, to the unit."""
    taken: Counter[str] = Counter()
    for orders in theirs:
        for order in orders:
            if not order["canceled"]:
                for line in order["lines"]:
                    taken[line["sku"]] += line["quantity"]
    after = stock_of(sandbox, merchant.store)
    for sku, units in before.items():
        if after.get(sku) != units - taken[sku]:
            result.wrong_stock.append(f"{sku}: {units} − {taken[sku]} sold is not {after.get(sku)}")
    result.oversold += [f"{sku}: {left} available" for sku, left in after.items() if left < 0 <= before.get(sku, 0)]
