"""What the Dashboard shows: a few aggregating queries over the last eight days, made into plain data. Call inside a scope."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import MarketplaceAccount, Store
from accounts.platforms import FIRST_STOREFRONT
from notifications import alerts
from orders import charts, reasons
from orders.charts import Chart, Series
from orders.filters import ON_THE_WAY
from orders.models import Order
from orders.rows import LATE_RISK
from salestio import tenancy
from salestio.lib.text import counted, listed
from salestio.templatetags.ui import in_money, moment, span

DAYS = 7
HELD_READ = 500
BUTTONS = {
    "match": "Match",
    "address": "Fix address",
    "export": "Review",
    "check": "Look",
    "open": "Review",
    "reconnect": "Reconnect",
}

_BY_HOUR = """
SELECT floor(extract(epoch FROM purchased_at - %(start)s) / 3600)::int AS hour, account_id, export_state, currency,
       count(*) FILTER (WHERE status <> 'incomplete' AND export_state <> 'canceled') AS paid,
       count(*) AS every, coalesce(sum(total) FILTER (WHERE status <> 'incomplete' AND export_state <> 'canceled'), 0)
FROM orders_order WHERE merchant_id = %(merchant)s AND purchased_at >= %(start)s AND purchased_at < %(end)s
GROUP BY 1, 2, 3, 4
"""
_SPEED = """
SELECT account_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM imported_at - purchased_at)),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM exported_at - coalesce(paid_at, purchased_at)))
         FILTER (WHERE exported_at IS NOT NULL), count(*)
FROM orders_order WHERE merchant_id = %s AND purchased_at > now() - interval '24 hours'
GROUP BY GROUPING SETS ((account_id), ())
"""
_TO_SHIP = """
SELECT count(*), count(*) FILTER (WHERE ship_by < %(risk)s), min(ship_by) FROM (
  SELECT ship_by FROM orders_order WHERE merchant_id = %(merchant)s AND status IN ('paid', 'partially_shipped')
  AND ship_by < %(tonight)s AND fulfilled_by = 'merchant' ORDER BY ship_by LIMIT 10001) due
"""


@dataclass(frozen=True, slots=True)
class Term:
    """One term of the sum, a link to its rows."""

    label: str
    number: int
    url: str
    tone: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with what it is compared with."""

    label: str
    value: str
    delta: str = ""
    delta_css: str = ""
    note: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """Orders held for one cause."""

    title: str
    count: int
    detail: str
    button: str
    url: str
    state: str = "held"
    alert: int = 0
    """The alert a person may take off the list, 0 for what ends by itself."""


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """A marketplace account with how fresh it is."""

    account: MarketplaceAccount
    lag: str
    today: int


@dataclass(slots=True)
class Hours:
    """Orders of the last eight days by hour since the first of these days began."""

    paid_by_state: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    sales: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    sales_before: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    by_hour: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    """(account, hour) → orders."""


class Dashboard:
    """The numbers of one moment, in the merchant's time zone."""

    def __init__(
        self, accounts: Sequence[MarketplaceAccount], stores: Sequence[Store], counts: Mapping[str, Any]
    ) -> None:
        self.accounts, self.stores, self.counts = list(accounts), list(stores), counts
        self.now = timezone.localtime()
        self.midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        self.first = self.midnight - timedelta(days=DAYS)
        self.tonight = self.midnight + timedelta(days=1)
        self.merchant_id = tenancy.current_merchant_id()
        self.hours = self._hours()
        self.lags, self.speed = self._speed()
        self.to_ship, self.at_risk, self.first_due = self._to_ship()
        self.alerts = alerts.open_alerts(20)
        self.causes = self._causes()

    # ── queries ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _hours(self) -> Hours:
        found = Hours()
        this_hour = int((self.now - self.first).total_seconds() // 3600)
        with connection.cursor() as cursor:
            cursor.execute(_BY_HOUR, {"start": self.first, "end": self.tonight, "merchant": self.merchant_id})
            rows = cursor.fetchall()
        today = DAYS * 24
        for hour, account, state, currency, paid, every, total in rows:
            found.by_hour[(account, hour)] += every
            if hour >= today:
                found.paid_by_state[state] += paid
                found.sales[currency] += total
            elif hour < 24 and hour <= this_hour - today:
                found.sales_before[currency] += total
        return found

    def _speed(self) -> tuple[dict[int, float], float | None]:
        lags: dict[int, float] = {}
        speed = None
        with connection.cursor() as cursor:
            cursor.execute(_SPEED, [self.merchant_id])
            for account, lag, p95, _ in cursor.fetchall():
                if account is None:
                    speed = p95
                elif lag is not None:
                    lags[account] = max(float(lag), 0.0)
        return lags, float(speed) if speed is not None else None

    def _to_ship(self) -> tuple[int, int, datetime | None]:
        facts: dict[str, Any] = {"merchant": self.merchant_id, "tonight": self.tonight, "risk": self.now + LATE_RISK}
        with connection.cursor() as cursor:
            cursor.execute(_TO_SHIP, facts)
            number, risk, first = cursor.fetchone()
        return int(number), int(risk), first

    def _causes(self) -> list[Cause]:
        """Return what needs a person by cause: held orders first, then what was raised as an alert."""
        found = []
        held = list(
            Order.objects.filter(merchant_id=self.merchant_id, export_state="held")
            .order_by("-purchased_at").only("reason_code", "reason_data", "total", "currency", "platform")[:HELD_READ]
        ) if self.counts["states"].get("held") else []  # fmt: skip
        by_code: dict[str, list[Order]] = defaultdict(list)
        for order in held:
            by_code[order.reason_code].append(order)
        platform = self.stores[0].platform if self.stores else FIRST_STOREFRONT
        for code, orders in by_code.items():
            number = max(int(self.counts["reasons"].get(code, 0)), len(orders))
            known = reasons.REASONS.get(code)
            title = reasons.sentence(code, {"store_platform": platform}, part="title") if known else code
            url = f"{reverse('orders:list')}?state=held&reason={code}&placed=all"
            found.append(
                Cause(title, number, _detail(orders), BUTTONS.get(known.action if known else "", "Review"), url)
            )
        found.sort(key=lambda cause: -cause.count)
        shown = self.banner_alert
        found += [
            Cause(
                one.title,
                1,
                one.text,
                one.button or "",
                one.url,
                "held" if one.level == "stop" else "waiting",
                one.alert.pk if one.done else 0,
            )
            for one in self.alerts
            if one is not shown
        ]
        return found

    # ── the banner: only the worst ───────────────────────────────────────────────────────────────────────────────

    @property
    def banner_alert(self) -> alerts.Reading | None:
        return next((one for one in self.alerts if one.level == "stop" or one.alert.kind == "account_ends_soon"), None)

    @property
    def banner(self) -> dict[str, str] | None:
        """Return the one banner of the page: tone, title, text, button, url."""
        worst = self.banner_alert
        expired = next((c for c in [*self.accounts, *self.stores] if c.state == "expired"), None)
        if expired is not None and (worst is None or not worst.alert.kind.endswith("_expired")):
            since = moment(expired.state_since)
            return {"tone": "stop", "icon": "alert", "title": f"Account '{expired.name}' has expired.",
                    "text": f"Orders wait since {since}. Nothing is lost: the gap is filled as soon as you reconnect.",
                    "button": "Confirm connection", "url": reverse("accounts:list")}  # fmt: skip
        if worst is not None:
            return {"tone": worst.level, "icon": "alert" if worst.level == "stop" else "clock", "title": worst.title,
                    "text": worst.text, "button": worst.button, "url": worst.url,
                    "alert": str(worst.alert.pk) if worst.done else ""}  # fmt: skip
        held = int(self.counts["states"].get("held", 0))
        if held:
            title = f"Your store has {counted(held, 'order')} that cannot be imported."
            return {"tone": "stop", "icon": "alert", "title": title, "text": "Each says why, and what to do.",
                    "button": "Review", "url": f"{reverse('orders:list')}?view=needs"}  # fmt: skip
        return None

    # ── the sum ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def terms(self) -> list[Term]:
        """Return today's paid orders by where they are; they add up to `paid` by construction."""
        by_state = self.hours.paid_by_state
        base = f"{reverse('orders:list')}?placed=1"
        way = sum(by_state.get(state, 0) for state in ON_THE_WAY)
        return [
            Term("in your store", by_state.get("created", 0), f"{base}&state=created", "ok"),
            Term("on the way", way, f"{base}&view=way", "work"),
            Term(
                "need you" if by_state.get("held", 0) != 1 else "needs you",
                by_state.get("held", 0),
                f"{base}&state=held",
                "stop",
            ),
            Term("skipped by your rules", by_state.get("skipped", 0), f"{base}&state=skipped", "calm"),
        ]

    @property
    def paid(self) -> int:
        return sum(self.hours.paid_by_state.values())

    @property
    def difference(self) -> int:
        return self.paid - sum(term.number for term in self.terms)

    @property
    def meter(self) -> list[Any]:
        return [part for term in self.terms for part in (term.tone, term.number)]

    @property
    def figures(self) -> list[Figure]:
        return [self._sales(), self._ship(), self._speed_figure(), self._waiting()]

    def _sales(self) -> Figure:
        currency = self.stores[0].currency if self.stores else "USD"
        sales = self.hours.sales
        main = currency if currency in sales or not sales else max(sales, key=lambda code: sales[code])
        now, before = sales.get(main, Decimal(0)), self.hours.sales_before.get(main, Decimal(0))
        delta, css = "", ""
        if before:
            change = int((now - before) / before * 100)
            delta, css = (
                f"{change:+d} %".replace("-", "−"),
                "delta-up" if change > 0 else "delta-down" if change < 0 else "",
            )
        others = [in_money(amount, code) for code, amount in sales.items() if code != main and amount]
        last = f"{in_money(before, main)} last {self.now:%A} by {self.now:%H:%M}"
        return Figure(f"Sales today, in {main}", in_money(now, main), delta, css, f"and {listed(others)}" if others else last,
                      f"{reverse('orders:list')}?placed=1")  # fmt: skip

    def _ship(self) -> Figure:
        number = "more than 10,000" if self.to_ship > 10_000 else f"{self.to_ship:,}"
        risk = f"{self.at_risk:,} late or due in 12 h" if self.at_risk else ""
        note = f"first one due {moment(self.first_due)}" if self.first_due else "nothing is due today"
        return Figure(
            "Ship today", number, risk, "delta-down" if risk else "", note, f"{reverse('orders:list')}?view=ship"
        )

    def _speed_figure(self) -> Figure:
        if self.speed is None:
            return Figure("Paid → in your store", "—", note="no order exported in the last 24 h")
        value = f"{self.speed:.1f} s" if self.speed < 60 else span(self.speed)
        return Figure("Paid → in your store", value, "p95", "", "last 24 h; promise: 2 min")

    def _waiting(self) -> Figure:
        states = self.counts["states"]
        unknown, waiting = int(states.get("unknown", 0)), int(states.get("waiting", 0))
        note = f"{counted(unknown, 'order')} being checked with the store" if unknown else "none has an unknown outcome"
        return Figure(
            "Tried again by itself", f"{waiting + unknown:,}", "", "", note, f"{reverse('orders:list')}?view=way"
        )

    # ── charts and channels ──────────────────────────────────────────────────────────────────────────────────────

    def _series(self, first_hour: int, columns: int, hours_each: int) -> list[Series]:
        """Return one series an account, at most three: beyond that the smaller ones share the last."""

        def values(accounts: Sequence[int]) -> list[int]:
            return [
                sum(
                    self.hours.by_hour.get((a, first_hour + i * hours_each + h), 0)
                    for a in accounts
                    for h in range(hours_each)
                )
                for i in range(columns)
            ]

        named = [(account.name, values([account.pk]), account.pk) for account in self.accounts]
        named.sort(key=lambda one: -sum(one[1]))
        if len(named) <= 3:
            return [Series(name, numbers) for name, numbers, _ in named]
        rest = values([pk for _, _, pk in named[2:]])
        return [*(Series(name, numbers) for name, numbers, _ in named[:2]), Series(f"{len(named) - 2} others", rest)]

    @property
    def hour_series(self) -> list[Series]:
        return self._series(DAYS * 24, 24, 1)

    @property
    def hour_charts(self) -> list[Chart]:
        """Return today's orders by hour, drawn wide and narrow; dotted: the same weekday a week ago."""
        series, labels = self.hour_series, [f"{hour:02d}:00" for hour in range(24)]
        before = [sum(self.hours.by_hour.get((a.pk, hour), 0) for a in self.accounts) for hour in range(24)]
        passed = (self.now - self.midnight).total_seconds() / 86400
        facts: dict[str, Any] = {
            "compare": before if any(before) else [],
            "now_at": passed,
            "now_text": f"{self.now:%H:%M}",
        }
        return [
            charts.stacked(series, labels, width=560, height=216, every=4, **facts),
            charts.stacked(series, labels, width=340, height=190, every=6, **facts),
        ]

    @property
    def day_series(self) -> list[Series]:
        return self._series(24, DAYS, 24)

    @property
    def day_labels(self) -> list[str]:
        days = [self.midnight - timedelta(days=DAYS - 1 - i) for i in range(DAYS)]
        return [f"{day:%a} {day.day}" for day in days]

    @property
    def day_charts(self) -> list[Chart]:
        """Return the orders of the last seven days, today included, by day."""
        series, labels = self.day_series, self.day_labels
        return [
            charts.stacked(series, labels, width=560, height=216, totals=True),
            charts.stacked(series, labels, width=340, height=190, totals=True),
        ]

    @property
    def hour_words(self) -> str:
        total = sum(sum(one.values) for one in self.hour_series)
        return f"{counted(total, 'order')} so far today: " + ", ".join(
            f"{one.name} {sum(one.values)}" for one in self.hour_series
        )

    @property
    def day_words(self) -> str:
        total = sum(sum(one.values) for one in self.day_series)
        return f"{counted(total, 'order')} in seven days: " + ", ".join(
            f"{one.name} {sum(one.values)}" for one in self.day_series
        )

    @property
    def hour_table(self) -> list[tuple[str, list[int]]]:
        series = self.hour_series
        rows = [(f"{hour:02d}:00", [one.values[hour] for one in series]) for hour in range(24)]
        return [row for row in rows if any(row[1])]

    @property
    def day_table(self) -> list[tuple[str, list[int]]]:
        series = self.day_series
        return [(label, [one.values[i] for one in series]) for i, label in enumerate(self.day_labels)]

    @property
    def channels(self) -> list[ChannelLine]:
        return [
            ChannelLine(
                account,
                span(self.lags[account.pk]) if account.pk in self.lags and not account.unread else "—",
                sum(self.hours.by_hour.get((account.pk, DAYS * 24 + hour), 0) for hour in range(24)),
            )
            for account in self.accounts
        ]

    @property
    def version(self) -> str:
        """Return a short word that changes whenever a number on the page does."""
        parts = (
            dict(self.hours.paid_by_state), dict(self.hours.sales), sum(self.hours.by_hour.values()), self.to_ship, self.at_risk,
            [(c.title, c.count, c.detail) for c in self.causes], [(a.state, a.newest_order_at) for a in self.accounts],
            self.speed, self.counts["states"],
        )  # fmt: skip
        return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def _detail(orders: Sequence[Order]) -> str:
    """Return the SKUs concerned and what the orders are worth: "NP-1 and 2 more SKUs · $412.60"."""
    skus: dict[str, None] = {}
    worth: dict[str, Decimal] = defaultdict(Decimal)
    texts: dict[str, None] = {}
    for order in orders:
        data = order.reason_data
        for item in data.get("items", []):
            skus.setdefault(str(item.get("sku") or item.get("seller_sku")))
        for sku in data.get("skus", []):
            skus.setdefault(str(sku))
        for text in data.get("texts", []):
            texts.setdefault(f"“{text}”")
        if order.total:
            worth[order.currency] += order.total
    names = list(skus)
    what = (
        names[0] + (f" and {counted(len(names) - 1, 'more SKU')}" if len(names) > 1 else "")
        if names
        else next(iter(texts), "")
    )
    value = ", ".join(in_money(amount, code) for code, amount in worth.items())
    return " · ".join(part for part in (what, value) if part)
