"""Official exchange rates of the day: fetched once a day, stored with their date and source, read by conversion (F142).

The source is a file in the format of the European Central Bank's reference rates (units a euro, one `Cube` a day; the
90-day file, so that one read fills gaps too): https://www.ecb.europa.eu/stats/policy_and_exchange_rates/. Its address is
SALESTIO_RATES_URL. Without an address (demo and tests) the bundled sample stands in: numbers of our own, moved so that
the newest is of today. An official rate that is stored is never changed: what an order was converted at stays true. The
sample's give way to official ones, and where an official source is set, or in production, none of them is ever used.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from xml.etree import ElementTree

import requests
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from orders.domain import conversion
from orders.domain.conversion import EURO, OLDEST, Rate
from orders.models import ExchangeRate
from salestio.calls import refuse_inside_transaction
from salestio.models import SystemNote

log = logging.getLogger(__name__)

OFFICIAL, SAMPLE = "European Central Bank", "Sample rates (demo)"
SAMPLE_FILE = Path(__file__).parent / "data" / "sample_rates.xml"
MAX_BYTES = 4 * 1024 * 1024
"""The 90-day file has about 100 kB, the whole history since 1999 about 6 MB, which nobody needs here."""
DEADLINE = 20.0
"""Seconds for the whole answer, however slowly it drips."""
HIGHEST = Decimal(10) ** 10
"""What a row can hold; no currency is worth so little."""
TRY_AGAIN = timedelta(minutes=50)
NOTE = "exchange-rates"
_CUBE = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"

Tables = Mapping[date, Mapping[str, Decimal]]


class RatesUnavailable(RuntimeError):
    """The source did not give a file we can read; the text says why. What is stored stays."""


# ── reading a source ─────────────────────────────────────────────────────────────────────────────────────────────────


def parse(body: bytes) -> dict[date, dict[str, Decimal]]:
    """Return day → currency → units a euro of a file in the ECB's format. Raises `RatesUnavailable` for another one."""
    # Declarations are how an XML file grows without end or reads other files; the format has none.
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise RatesUnavailable("the file declares entities")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  no declarations are left, and the size is capped
    except ElementTree.ParseError as error:
        raise RatesUnavailable(f"the file is no XML: {error}") from None
    found: dict[date, dict[str, Decimal]] = {}
    for cube in root.iter(_CUBE):
        if "time" in cube.attrib:
            try:
                day = date.fromisoformat(cube.attrib["time"])
                rates = {
                    one.attrib["currency"]: Decimal(one.attrib["rate"]) for one in cube.iter(_CUBE) if one is not cube
                }
            except (KeyError, ValueError, InvalidOperation):
                raise RatesUnavailable("a day of the file cannot be read") from None
            found[day] = {
                code: rate for code, rate in rates.items() if rate.is_finite() and 0 < rate < HIGHEST and len(code) == 3
            }
    if not any(found.values()):
        raise RatesUnavailable("the file names no rates")
    return found


def fetch(url: str) -> bytes:
    """Return the file at an address. Never inside a transaction. Raises `RatesUnavailable` for every failure."""
    refuse_inside_transaction("rates", "fetch")
    ends = time.monotonic() + DEADLINE
    try:
        with requests.get(url, timeout=(5, 10), stream=True, headers={"User-Agent": settings.BRAND_NAME}) as answer:
            if answer.status_code != 200:
                raise RatesUnavailable(f"the source answered {answer.status_code}")
            body = bytearray()
            for chunk in answer.iter_content(64 * 1024):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise RatesUnavailable(f"the file is larger than {MAX_BYTES} bytes")
                if time.monotonic() > ends:
                    raise RatesUnavailable(f"the file did not come within {DEADLINE:.0f} s")
            return bytes(body)
    except requests.RequestException as error:
        raise RatesUnavailable(f"the source cannot be reached ({type(error).__name__})") from None


def sample(today: date) -> dict[date, dict[str, Decimal]]:
    """Return the bundled sample, moved so that its newest day is today. In demo weekends have rates too."""
    tables = parse(SAMPLE_FILE.read_bytes())
    shift = today - max(tables)
    return {day + shift: rates for day, rates in tables.items()}


# ── storing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def store(tables: Tables, source: str) -> int:
    """Store the days that are not there yet; return how many rates came in. What is stored is left as it is, but sample
    rates give way to official ones."""
    if source != SAMPLE:
        ExchangeRate.objects.filter(source=SAMPLE).delete()
    known = set(ExchangeRate.objects.filter(day__in=list(tables)).values_list("day", "currency"))
    rows = [
        ExchangeRate(day=day, currency=currency, per_euro=per_euro, source=source)
        for day, rates in sorted(tables.items())
        for currency, per_euro in rates.items()
        if (day, currency) not in known
    ]
    ExchangeRate.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return len(rows)


def refresh(at: datetime, *, force: bool = False) -> int:
    """Read the source if today's rates are missing and it was not asked within the hour; return how many came in.

    Call it outside transactions: it may call out. A source that fails is logged and asked again an hour later.
    """
    if not force and not _due(at):
        return 0
    url = settings.RATES_URL
    if not url and settings.MODE == "production":
        log.warning("no source of exchange rates is set (SALESTIO_RATES_URL)")
        return 0
    try:
        tables = parse(fetch(url)) if url else sample(at.astimezone(UTC).date())
    except RatesUnavailable as error:
        log.warning("exchange rates could not be read", extra={"why": str(error)})
        return 0
    return store(tables, OFFICIAL if url else SAMPLE)


def _due(at: datetime) -> bool:
    """Say whether the source should be asked now, and note that it was: whoever claims the note asks."""
    if _usable().filter(day__gte=at.astimezone(UTC).date()).exists():
        return False
    with transaction.atomic():
        note, _ = SystemNote.objects.select_for_update().get_or_create(name=NOTE, defaults={"value": {}})
        asked = note.value.get("asked")
        if asked and timedelta(0) <= at - datetime.fromisoformat(asked) < TRY_AGAIN:
            return False
        note.value = {"asked": at.isoformat()}
        note.save(update_fields=["value", "updated_at"])
    return True


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _usable() -> QuerySet[ExchangeRate]:
    """Return the rates orders may be converted at: the sample's only where it is the source."""
    if settings.RATES_URL or settings.MODE == "production":
        return ExchangeRate.objects.exclude(source=SAMPLE)
    return ExchangeRate.objects.all()


def rate_for(source: str, target: str, bought_at: datetime) -> Rate | None:
    """Return the rate of the purchase's day (UTC), or of up to seven days before; None when there is none. One query."""
    day = bought_at.astimezone(UTC).date()
    rows = (
        _usable()
        .filter(day__lte=day, day__gte=day - OLDEST, currency__in={source, target} - {EURO})
        .values_list("day", "currency", "per_euro", "source")
    )
    publishers: dict[date, str] = {}
    by_day: dict[date, dict[str, Decimal]] = defaultdict(dict)
    for known, currency, per_euro, publisher in rows:
        by_day[known][currency] = per_euro
        publishers[known] = publisher
    tables = {known: (publishers[known], by_day[known]) for known in by_day}
    return conversion.rate_of_day(tables, source, target, day)
