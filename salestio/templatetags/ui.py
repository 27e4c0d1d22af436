"""Small parts of a page: icons, badges, marks, money and times. Each gives safe HTML; none asks the database.

Times are shown in the active time zone: absolute (09:12), relative when fresh (4 s ago, kept fresh by app.js).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from accounts.platforms import LABELS, MARKS
from salestio.lib import money as lib_money

register = template.Library()

STATES = {
    "imported": ("Imported", ""),
    "sending": ("Sending", "is-work"),
    "created": ("In store", "is-ok"),
    "held": ("On hold", "is-stop"),
    "waiting": ("Waiting", "is-wait"),
    "unknown": ("Checking", "is-ask"),
    "skipped": ("Skipped", ""),
    "canceled": ("Canceled", ""),
}
SAID = {
    "incomplete": ("incomplete", "Incomplete"),
    "paid": ("paid", "Paid"),
    "partially_shipped": ("partial", "Partially shipped"),
    "shipped": ("shipped", "Shipped"),
    "refunded": ("refunded", "Refunded"),
    "canceled": ("canceled", "Canceled"),
}
CONNECTION_STATES = {
    "active": ("Active", "is-ok"),
    "expired": ("Expired", "is-stop"),
    "disabled": ("Disabled", ""),
}
CURRENCY_SIGNS = {
    "USD": "$", "EUR": "€", "GBP": "£", "CAD": "C$", "AUD": "A$", "MXN": "MX$", "JPY": "¥", "INR": "₹", "BRL": "R$",
    "PLN": "zł ", "SEK": "kr ", "TRY": "₺", "SGD": "S$", "NZD": "NZ$",
}  # fmt: skip


@cache
def _sprite() -> str:
    return static("salestio/icons.svg")


@lru_cache(maxsize=512)
def glyph(name: str, classes: str = "") -> SafeString:
    """Return one drawing of the sprite; it is decoration, the words stand beside it."""
    css = format_html(' class="{}"', classes) if classes else ""
    return format_html('<svg{} aria-hidden="true"><use href="{}#{}"></use></svg>', css, _sprite(), name)


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, classes: str = "") -> SafeString:
    """Return an icon: `{% icon "refresh" %}`."""
    return glyph(f"i-{name}", f"i {classes}".strip())


@register.simple_tag
@lru_cache(maxsize=128)
def state(code: str, label: str = "") -> SafeString:
    """Return the badge of an export state: what *we* did."""
    word, tone = STATES.get(code, (code, ""))
    return format_html('<span class="state state-{} {}">{}{}</span>', code, tone, glyph(f"st-{code}"), label or word)


@register.simple_tag
def state_glyph(code: str) -> SafeString:
    """Return only the glyph of an export state."""
    return glyph(f"st-{code}")


@register.simple_tag
def tally(code: str, count: int) -> SafeString:
    """Return a badge with a count in the tone of an export state."""
    tone = STATES.get(code, ("", ""))[1]
    return format_html('<span class="state num {}">{}{}</span>', tone, glyph(f"st-{code}"), f"{count:,}")


@register.simple_tag
def connection_state(code: str) -> SafeString:
    """Return the badge of a store's or account's state."""
    word, tone = CONNECTION_STATES.get(code, (code, ""))
    return format_html('<span class="state state-word {}">{}</span>', tone, word)


@register.simple_tag
@lru_cache(maxsize=512)
def said(status: str, raw: str = "") -> SafeString:
    """Return the marketplace's word: plain text with a dot; its own term as the title."""
    css, word = SAID.get(status, ("incomplete", status))
    title = format_html(' title="{}"', raw) if raw else ""
    return format_html('<span class="said said-{}"{}>{}</span>', css, title, word)


@register.simple_tag
@lru_cache(maxsize=128)
def mark(platform: str, size: str = "") -> SafeString:
    """Return our own letter badge of a platform; `size` is sm, lg or empty."""
    letters, name = MARKS.get(platform, "··"), LABELS.get(platform, platform)
    css = letters.lower() if platform in MARKS else ""
    big = f"mark-{size}" if size else ""
    return format_html(
        '<span class="mark mark-{} {}" role="img" aria-label="{}" title="{}">{}</span>', css, big, name, name, letters
    )


@register.filter
def platform_name(platform: str) -> str:
    """Return the platform's name as people read it."""
    return LABELS.get(platform, platform)


@register.simple_tag
def meter(*parts: Any) -> SafeString:
    """Return a bar of parts that fill it by their shares: `{% meter "ok" 496 "stop" 7 %}`. Drawn, so no inline style."""
    pairs = [(str(tone), max(int(count), 0)) for tone, count in zip(parts[::2], parts[1::2], strict=True)]
    whole = sum(count for _, count in pairs) or 1
    # A part that exists is at least a sliver wide: seven of fifty thousand must not vanish.
    widths = [max(count / whole * 1000, 8.0) if count else 0.0 for _, count in pairs]
    scale = 1000 / (sum(widths) or 1000)
    at, drawn = 0.0, []
    for (tone, _), width in zip(pairs, widths, strict=True):
        if width:
            size = width * scale
            drawn.append(f'<rect class="m-{tone}" x="{at:.1f}" width="{max(size - 2, 1):.1f}" height="6"></rect>')
            at += size
    body = mark_safe("".join(drawn))  # noqa: S308  numbers and our own class names
    return format_html(
        '<svg class="meter-bar" viewBox="0 0 1000 6" preserveAspectRatio="none" aria-hidden="true">{}</svg>', body
    )


@register.simple_tag
def meter_of(parts: Sequence[Any]) -> SafeString:
    """Return `meter` for a list of tones and counts."""
    return meter(*parts)


# ── money and numbers ────────────────────────────────────────────────────────────────────────────────────────────────


def in_money(amount: Decimal | None, currency: str) -> str:
    """Return "$1,259.20", "C$94.50", "¥1,200", "−$10.00"; empty for None."""
    if amount is None:
        return ""
    digits = lib_money.decimals(currency) if currency else 2
    sign = CURRENCY_SIGNS.get(currency, f"{currency} " if currency else "")
    text = f"{sign}{abs(lib_money.rounded(amount, currency or 'USD')):,.{digits}f}"
    return f"−{text}" if amount < 0 else text


@register.filter
def money(amount: Decimal | None, currency: str = "") -> str:
    return in_money(amount, currency)


@register.filter
def thousands(number: Any) -> str:
    return f"{int(number or 0):,}"


@register.filter
def signed(number: int) -> str:
    """Return a number with a real minus sign: −1."""
    return f"−{abs(number):,}" if number < 0 else f"{number:,}"


@register.filter
def capped(number: int) -> str:
    """Return "412", and "more than 10,000" above that (MECHANISMS 16)."""
    return "more than 10,000" if number > 10_000 else f"{number:,}"


# ── times ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def span(seconds: float) -> str:
    """Return a length of time in its two largest words: "4 s", "6 min", "3 h 12 min", "2 days 15 h"."""
    whole = int(max(seconds, 0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86400:
        rest = whole % 3600 // 60
        return f"{whole // 3600} h {rest} min" if rest else f"{whole // 3600} h"
    days, rest = whole // 86400, whole % 86400 // 3600
    word = f"{days} day{'' if days == 1 else 's'}"
    return f"{word} {rest} h" if rest and days < 7 else word


def moment(at: datetime, *, seconds: bool = False, now: datetime | None = None) -> str:
    """Return "09:12" for today, "Thu 19 Nov, 09:12" this year, "19 Nov 2025, 09:12" before."""
    here = timezone.localtime(at)
    today = timezone.localtime(now or timezone.now())
    clock = f"{here:%H:%M:%S}" if seconds else f"{here:%H:%M}"
    if here.date() == today.date():
        return clock
    if here.year == today.year:
        return f"{here:%a} {here.day} {here:%b}, {clock}"
    return f"{here.day} {here:%b %Y}, {clock}"


def _time(at: datetime, text: str, extra: str = "") -> SafeString:
    zone = timezone.localtime(at)
    title = f"{zone:%a} {zone.day} {zone:%b %Y, %H:%M:%S %Z}"
    return format_html('<time datetime="{}" title="{}"{}>{}</time>', at.isoformat(), title, mark_safe(extra), text)  # noqa: S308


@register.filter
def clock(at: datetime | None) -> str | SafeString:
    """Show a time as `moment` words it."""
    return _time(at, moment(at)) if at else ""


@register.filter
def clock_seconds(at: datetime | None) -> str | SafeString:
    return _time(at, moment(at, seconds=True)) if at else ""


@register.filter
def ago(at: datetime | None) -> str | SafeString:
    """Show "4 s ago" under an hour, else the absolute time; app.js keeps it fresh."""
    if at is None:
        return "never"
    passed = (timezone.now() - at).total_seconds()
    text = f"{span(passed)} ago" if 0 <= passed < 3600 else moment(at)
    return _time(at, text, " data-ago" if 0 <= passed < 3600 else "")


@register.filter
def ahead(at: datetime | None) -> str:
    """Return "in 6 min"; "now" for a time that has come."""
    if at is None:
        return ""
    left = (at - timezone.now()).total_seconds()
    return f"in {span(left)}" if left > 0 else "now"


@register.filter
def long_day(at: datetime) -> str:
    """Return "Saturday 21 November"."""
    here = timezone.localtime(at)
    return f"{here:%A} {here.day} {here:%B}"


@register.filter
def short_day(at: datetime | None) -> str:
    """Return "Mon 23"; with the month when it is more than four weeks away."""
    if at is None:
        return ""
    here = timezone.localtime(at)
    far = abs((at - timezone.now()).total_seconds()) > 28 * 86400
    return f"{here:%a} {here.day}{f' {here:%b}' if far else ''}"


@register.simple_tag
def brand() -> str:
    return settings.BRAND_NAME
