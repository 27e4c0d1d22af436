"""The Dashboard: the sum closes, every cause has one button, only the worst banner shows, first steps until orders flow."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import MarketplaceAccount
from connectors.contract.types import OrderStatus
from notifications import alerts
from notifications.models import Alert
from salestio import tenancy
from tests.factories import Cast
from tests.pages.conftest import NO_MATCH, OUT_OF_STOCK, in_store, save_order
from tests.pages.test_orders_page import text_of

pytestmark = pytest.mark.django_db


def test_the_sum_of_todays_paid_orders_closes(pages: Client, merchant: Cast) -> None:
    for after in (
        in_store("#1"),
        in_store("#2"),
        OUT_OF_STOCK,
        NO_MATCH,
        {},
        {"export_state": "skipped", "reason_code": "IMPORT_OFF"},
    ):
        save_order(merchant, after=after)
    save_order(merchant, status=OrderStatus.INCOMPLETE, total=None)
    save_order(merchant, after={"export_state": "canceled", "reason_code": "CANCELED", "status": "canceled"})

    page = text_of(pages.get("/"))

    assert "2 in your store + 1 on the way + 2 need you + 1 skipped by your rules = 6 paid on the marketplaces" in page
    assert "not accounted for" not in page


def test_what_needs_a_person_is_grouped_by_cause_with_one_button_each(pages: Client, merchant: Cast) -> None:
    for after in (OUT_OF_STOCK, OUT_OF_STOCK, NO_MATCH):
        save_order(merchant, after=after)

    page = pages.get("/").content.decode()

    assert "3 orders, 2 causes" in page
    assert 'href="/orders/?state=held&amp;reason=OUT_OF_STOCK&amp;placed=all">Review' in page
    assert 'reason=NO_MATCH&amp;placed=all">Match' in page
    assert "NP-MUG · $37.00" in page


def test_an_expired_account_is_the_banner_whatever_else_waits(pages: Client, merchant: Cast) -> None:
    save_order(merchant, after=OUT_OF_STOCK)
    with tenancy.scope(merchant.id):
        MarketplaceAccount.objects.filter(pk=merchant.account.pk).update(state="expired")

    page = pages.get("/").content.decode()

    assert page.count('role="alert"') == 1
    assert f"Account &#x27;{merchant.account.name}&#x27; has expired." in page
    assert "0 of 2 channels" not in page and "1 of 2 channels in step" in page


def test_held_orders_are_the_banner_when_nothing_is_worse(pages: Client, merchant: Cast) -> None:
    save_order(merchant, after=OUT_OF_STOCK)

    assert "Your store has 1 order that cannot be imported." in text_of(pages.get("/"))


def test_an_alert_is_shown_until_somebody_marks_it_done(pages: Client, merchant: Cast, stranger: Cast) -> None:
    save_order(merchant, after=in_store())
    with tenancy.scope(merchant.id):
        alerts.raise_alert(kind="misplaced", key="1", data={"order": "112-9", "text": "It was placed at Reno Outlet."})
        alert = Alert.objects.get()
    other = Client()
    other.force_login(stranger.user)

    assert "Order 112-9 was placed at another location." in text_of(pages.get("/"))
    assert other.post(f"/alerts/{alert.pk}/done/").status_code == 404
    assert pages.post(f"/alerts/{alert.pk}/done/").status_code == 302
    assert "112-9" not in text_of(pages.get("/"))


def test_what_only_a_person_can_end_has_its_button_beside_the_link(pages: Client, merchant: Cast) -> None:
    pk = save_order(merchant, after=in_store()).pk
    facts = {"order": "112-9", "order_id": pk, "platform": "amazon", "store_platform": "shopify", "what": "address"}
    with tenancy.scope(merchant.id):
        alerts.raise_alert(kind="order_changed", key=f"{pk}:address", data=facts)
        alerts.raise_alert(kind="account_expired", key="7", data={"name": "Northpine", "id": 7, "platform": "amazon"})
        alerts.raise_alert(kind="order_without_id", key="7:1", data={"id": 7, "platform": "amazon"})
        ends = {alert.kind: f"/alerts/{alert.pk}/done/" for alert in Alert.objects.all()}

    page = pages.get("/").content.decode()

    assert f'href="/orders/{pk}/"' in page and ends["order_changed"] in page
    assert ends["order_without_id"] in page
    assert ends["account_expired"] not in page
    pages.post(ends["order_changed"])
    assert "112-9" not in text_of(pages.get("/"))


def test_the_first_steps_stand_there_until_an_order_is_in_the_store(pages: Client, merchant: Cast) -> None:
    before = text_of(pages.get("/"))
    save_order(merchant, after=in_store())
    after = text_of(pages.get("/"))

    assert "Four steps to your first order" in before and "Connect a marketplace account" in before
    assert "Connect a marketplace account" not in after


def test_each_chart_has_its_words_and_a_table_that_says_the_same(pages: Client, merchant: Cast) -> None:
    save_order(merchant, after=in_store())
    save_order(merchant, after=in_store("#2"))

    page = pages.get("/").content.decode()

    assert page.count('role="img" aria-label="2 orders so far today') == 2
    assert page.count('role="img" aria-label="2 orders in seven days') == 2
    assert re.search(r'<th scope="row">\d\d:00</th><td class="r">2</td>', page)


def test_an_open_dashboard_is_told_304_until_a_number_changes(pages: Client, merchant: Cast) -> None:
    save_order(merchant, after=OUT_OF_STOCK)

    first = pages.get("/dashboard/live/")
    again = pages.get("/dashboard/live/", headers={"if-none-match": first["ETag"]})
    save_order(merchant, after=OUT_OF_STOCK)
    changed = pages.get("/dashboard/live/", headers={"if-none-match": first["ETag"]})

    assert (first.status_code, again.status_code, changed.status_code) == (200, 304, 200)
