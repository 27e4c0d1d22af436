"""The filters of the Orders page, as the address carries them: parsed, worded as chips, and written back.

Pure but for the QueryDict that comes in. A value that makes no sense is left out and named in `problems`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

from django.http import QueryDict

from accounts.platforms import SHIPPING_WORDS
from orders.domain.states import TABLE, ExportState
from orders.models import Status
from orders.reasons import MARKETPLACES, REASONS

OURS, THEIRS = (", ".join(dict.fromkeys(words)) for words in zip(*SHIPPING_WORDS.values(), strict=True))
"""Marketplaces' own words for orders that merchants ship and for those they ship themselves: FBM and FBA."""
VIEWS: dict[str, str] = {
    "all": "All",
    "needs": "Needs you",
    "way": "On the way",
    "ship": "Ship today",
    "fba": THEIRS,
}
"""The built-in views, in the order of the tabs."""

ON_THE_WAY = ("imported", "waiting", "sending", "unknown")
PLACED = {"1": "today", "7": "last 7 days", "30": "last 30 days", "90": "last 90 days", "all": "all time"}
DEFAULT_DAYS = 90
"""Combinations of filters start from this many days; *all time* is a click (MECHANISMS 16)."""

FULFILLED = {"merchant": f"merchant ({OURS})", "marketplace": f"marketplace ({THEIRS})"}
SHIPPED_BY = {"merchant": "you", "marketplace": "the marketplace"}
"""The same for a merchant none of whose marketplaces has words of its own."""
MANY = {
    "state": {state.value: TABLE[state].label for state in ExportState},
    "status": dict(Status.choices),
    "platform": MARKETPLACES,
}
LABELS = {
    "q": "Search", "state": "In your store", "reason": "Cause", "status": "Marketplace says", "account": "Account",
    "platform": "Marketplace", "fulfilled": "Fulfilled by", "placed": "Placed", "from": "Placed from",
    "until": "Placed until", "low": "Total from", "high": "Total to", "order": "Order id", "buyer": "Buyer", "sku": "SKU",
    "run": "Bulk export",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter in force: what it says, and the query without it."""

    name: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class Filters:
    """Everything the list is narrowed by. Days are whole days in the merchant's time zone."""

    view: str = "all"
    q: str = ""
    states: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    accounts: tuple[int, ...] = ()
    platforms: tuple[str, ...] = ()
    fulfilled: str = ""
    placed: str = ""
    first_day: date | None = None
    last_day: date | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    order: str = ""
    buyer: str = ""
    sku: str = ""
    run: int = 0
    """A bulk export, by its number."""
    problems: tuple[str, ...] = field(default=(), compare=False)

    @property
    def weight(self) -> int:
        """Return how many different things narrow the list, the days aside."""
        parts = (
            self.view != "all", self.q, self.states, self.reasons, self.statuses, self.accounts, self.platforms,
            self.fulfilled, self.low is not None or self.high is not None, self.order, self.buyer, self.sku, self.run,
        )  # fmt: skip
        return sum(1 for part in parts if part)

    @property
    def days(self) -> int | None:
        """Return how many days back the list reaches, None for all time."""
        if self.first_day or self.last_day or self.placed == "all":
            return None
        if self.placed:
            return int(self.placed)
        # The orders of a bulk export are few and known, however old they are.
        return DEFAULT_DAYS if self.weight > 1 and not self.run else None

    def bounds(self, now: datetime, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
        """Return the times [from, until) of purchase, UTC; None where the list is open."""
        if self.days is not None:
            day = now.astimezone(zone).date() - timedelta(days=self.days - 1)
            return _midnight(day, zone), None
        first = _midnight(self.first_day, zone) if self.first_day else None
        last = _midnight(self.last_day + timedelta(days=1), zone) if self.last_day else None
        return first, last

    def pairs(self) -> list[tuple[str, str]]:
        """Return the address's parameters, in a fixed order, without empty ones."""
        found: list[tuple[str, str]] = [] if self.view == "all" else [("view", self.view)]
        for name, values in (
            ("q", (self.q,)), ("state", self.states), ("reason", self.reasons), ("status", self.statuses),
            ("account", self.accounts), ("platform", self.platforms), ("fulfilled", (self.fulfilled,)),
            ("placed", (self.placed,)), ("from", (self.first_day,)), ("until", (self.last_day,)),
            ("low", (self.low,)), ("high", (self.high,)), ("order", (self.order,)), ("buyer", (self.buyer,)),
            ("sku", (self.sku,)), ("run", (self.run or "",)),
        ):  # fmt: skip
            found += [(name, str(value)) for value in values if value not in ("", None)]
        return found

    @property
    def query(self) -> str:
        return urlencode(self.pairs())

    @property
    def of_all_time(self) -> str:
        """Return the query with every other filter and no limit of days."""
        return urlencode([*((name, value) for name, value in self.pairs() if name != "placed"), ("placed", "all")])

    def without(self, *names: str) -> str:
        """Return the query with these parameters left out."""
        return urlencode([(name, value) for name, value in self.pairs() if name not in names])

    def chips(self, account_names: Mapping[int, str]) -> list[Chip]:
        """Return one chip a filter (several values of one name share it)."""
        grouped: dict[str, list[str]] = {}
        for name, value in self.pairs():
            if name != "view":
                grouped.setdefault(name, []).append(_worded(name, value, account_names))
        chips = [Chip(LABELS[name], ", ".join(values), self.without(name)) for name, values in grouped.items()]
        if self.days == DEFAULT_DAYS and not self.placed:
            chips.append(Chip(LABELS["placed"], PLACED["90"], self.of_all_time))
        return chips


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def _worded(name: str, value: str, account_names: Mapping[int, str]) -> str:
    if name in MANY:
        return MANY[name].get(value, value)
    if name == "reason":
        return REASONS[value].title.replace("{storefront}", "Store") if value in REASONS else value
    if name == "run":
        return f"no. {value}"
    if name == "account":
        return account_names.get(int(value), value)
    return {"fulfilled": FULFILLED, "placed": PLACED}.get(name, {}).get(value, value)


def parse(data: QueryDict | Mapping[str, str]) -> Filters:
    """Return the filters an address asks for; what makes no sense is left out and named in `problems`."""
    source = data if isinstance(data, QueryDict) else _querydict(data)
    problems: list[str] = []
    chosen = {name: _many(source, name, allowed, problems) for name, allowed in MANY.items()}
    first, last = _day(source, "from", problems), _day(source, "until", problems)
    if first and last and first > last:
        first, last = last, first
    view = source.get("view", "all") or "all"
    return Filters(
        view=view if view in VIEWS else "all",
        q=_text(source, "q"),
        states=chosen["state"],
        reasons=_many(source, "reason", REASONS, problems),
        statuses=chosen["status"],
        accounts=tuple(int(v) for v in source.getlist("account") if v.isdecimal() and len(v) < 18),
        platforms=chosen["platform"],
        fulfilled=source.get("fulfilled", "") if source.get("fulfilled", "") in FULFILLED else "",
        placed="" if first or last else source.get("placed", "") if source.get("placed", "") in PLACED else "",
        first_day=first,
        last_day=last,
        low=_amount(source, "low", problems),
        high=_amount(source, "high", problems),
        order=_text(source, "order"),
        buyer=_text(source, "buyer"),
        sku=_text(source, "sku"),
        run=int(run) if (run := source.get("run", "")).isdecimal() and run.isascii() and len(run) < 18 else 0,
        problems=tuple(problems),
    )


def _querydict(data: Mapping[str, str]) -> QueryDict:
    source = QueryDict(mutable=True)
    source.update(data)
    return source


def _text(source: QueryDict, name: str) -> str:
    # PostgreSQL refuses a NUL in text; nothing a merchant types has one.
    return str(source.get(name, "")).replace("\x00", "").strip()[:200]


def _many(source: QueryDict, name: str, allowed: Mapping[str, object], problems: list[str]) -> tuple[str, ...]:
    wanted = [value for text in source.getlist(name) for value in text.split(",") if value]
    problems += [f"{LABELS[name]}: {value[:40]!r} is not known." for value in wanted if value not in allowed]
    return tuple(dict.fromkeys(value for value in wanted if value in allowed))


def _day(source: QueryDict, name: str, problems: list[str]) -> date | None:
    text = source.get(name, "")
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 2000 <= day.year <= 2100:
        problems.append(f"{LABELS[name]}: use a date such as 2026-11-21.")
        return None
    return day


def _amount(source: QueryDict, name: str, problems: list[str]) -> Decimal | None:
    text = source.get(name, "").strip().replace(",", ".")
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) > 10**9:
        problems.append(f"{LABELS[name]}: use an amount such as 25.00.")
        return None
    return amount.quantize(Decimal("0.01"))
