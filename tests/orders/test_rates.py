"""Exchange rates: read from the source's file, stored by day, and never made up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from orders import rates
from orders.models import ExchangeRate
from salestio.models import SystemNote

FRIDAY = date(2026, 11, 20)
FILE = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<gesmes:subject>Reference rates</gesmes:subject>
<Cube><Cube time="2026-11-20"><Cube currency="USD" rate="1.1000"/><Cube currency="GBP" rate="0.8500"/></Cube>
<Cube time="2026-11-19"><Cube currency="USD" rate="1.0900"/></Cube></Cube>
</gesmes:Envelope>"""


class Source:
    """A server that answers with a file, and counts who asked."""

    def __init__(self) -> None:
        self.body, self.status, self.asked = FILE, 200, 0
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                source.asked += 1
                self.send_response(source.status)
                self.send_header("Content-Length", str(len(source.body)))
                self.end_headers()
                self.wfile.write(source.body)

            def log_message(self, *args: Any) -> None:
                """Be quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/rates.xml"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def source(settings: Any) -> Iterator[Source]:
    made = Source()
    settings.RATES_URL = made.url
    yield made
    made.server.shutdown()
    made.server.server_close()


AT = datetime(2026, 11, 20, 17, tzinfo=UTC)


@pytest.mark.django_db
def test_the_days_of_the_file_are_stored_with_their_source_and_read_once(source: Source) -> None:
    assert rates.refresh(AT) == 3
    assert rates.refresh(AT + timedelta(hours=3)) == 0

    assert source.asked == 1
    assert set(ExchangeRate.objects.values_list("day", "currency", "per_euro", "source")) == {
        (FRIDAY, "USD", Decimal("1.1"), "European Central Bank"),
        (FRIDAY, "GBP", Decimal("0.85"), "European Central Bank"),
        (date(2026, 11, 19), "USD", Decimal("1.09"), "European Central Bank"),
    }


@pytest.mark.django_db
def test_a_stored_rate_is_never_changed(source: Source) -> None:
    rates.refresh(AT)
    source.body = FILE.replace(b"1.1000", b"9.9999")

    assert rates.refresh(AT, force=True) == 0
    assert ExchangeRate.objects.get(day=FRIDAY, currency="USD").per_euro == Decimal("1.1")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, b""),
        (200, b"<html>maintenance"),
        (200, b"<html></html>"),
        (200, b'<!DOCTYPE x [<!ENTITY a "b">]>' + FILE),
        (200, FILE.replace(b"1.1000", b"many")),
        (200, b" " * (rates.MAX_BYTES + 1)),
    ],
    ids=["down", "no XML", "no rates", "entities", "no number", "too large"],
)
def test_a_source_that_fails_stores_nothing_and_is_asked_again_an_hour_later(
    source: Source, status: int, body: bytes
) -> None:
    source.status, source.body = status, body

    assert rates.refresh(AT) == 0
    assert rates.refresh(AT + timedelta(minutes=10)) == 0
    assert (source.asked, ExchangeRate.objects.count()) == (1, 0)

    source.status, source.body = 200, FILE
    assert rates.refresh(AT + timedelta(hours=1)) == 3


@pytest.mark.django_db
def test_without_an_address_the_sample_stands_in_with_todays_date(settings: Any) -> None:
    settings.RATES_URL = ""

    assert rates.refresh(AT) > 1000

    found = rates.rate_for("GBP", "USD", AT)
    assert found is not None
    assert (found.day, found.publisher) == (FRIDAY, "Sample rates (demo)")
    assert rates.rate_for("GBP", "USD", AT - timedelta(days=89)) is not None


@pytest.mark.django_db
def test_production_never_takes_the_sample(settings: Any) -> None:
    settings.RATES_URL, settings.MODE = "", "production"

    assert rates.refresh(AT) == 0
    assert not ExchangeRate.objects.exists()


@pytest.mark.django_db
def test_a_rate_older_than_seven_days_is_none(source: Source) -> None:
    rates.refresh(AT)

    assert rates.rate_for("GBP", "USD", AT + timedelta(days=7)) is not None
    assert rates.rate_for("GBP", "USD", AT + timedelta(days=8)) is None
    assert rates.rate_for("GBP", "USD", AT - timedelta(days=1)) is None
    assert rates.rate_for("USD", "EUR", AT - timedelta(days=1)) is not None


@pytest.mark.django_db
def test_two_workers_ask_the_source_once(source: Source) -> None:
    source.body = FILE.replace(b"2026-11-20", b"2026-11-18")
    rates.refresh(AT)

    assert SystemNote.objects.get(name=rates.NOTE).value == {"asked": AT.isoformat()}
    rates.refresh(AT)
    assert source.asked == 1


@pytest.mark.django_db
def test_sample_rates_of_a_demo_convert_nothing_in_production_and_give_way_to_official_ones(
    source: Source, settings: Any
) -> None:
    """A database that was a demo's yesterday: its sample has rates of today, which must neither be used nor be kept."""
    url = settings.RATES_URL
    settings.RATES_URL = ""
    rates.refresh(AT)
    settings.RATES_URL, settings.MODE = url, "production"

    assert rates.rate_for("GBP", "USD", AT) is None

    assert rates.refresh(AT + timedelta(hours=2)) == 3
    found = rates.rate_for("GBP", "USD", AT)
    assert found is not None
    assert (found.value, found.publisher) == (Decimal("1.29411765"), "European Central Bank")


@pytest.mark.django_db
def test_the_sample_never_takes_the_place_of_official_rates(source: Source, settings: Any) -> None:
    rates.refresh(AT)
    settings.RATES_URL = ""

    rates.refresh(AT, force=True)

    assert ExchangeRate.objects.get(day=FRIDAY, currency="USD").source == "European Central Bank"


@pytest.mark.django_db
def test_a_rate_no_row_can_hold_is_left_out_and_stops_no_other(source: Source) -> None:
    source.body = FILE.replace(b'currency="GBP" rate="0.8500"', b'currency="GBP" rate="1e40"')

    assert rates.refresh(AT) == 2
