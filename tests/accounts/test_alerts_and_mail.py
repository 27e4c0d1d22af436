"""Alerts open once and read as sentences; mails are written so that only their reader can read them."""

from __future__ import annotations

import email
import email.policy
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core import mail as outbox
from django.core.mail import get_connection
from django.template.loader import get_template

from notifications import alerts, mail
from notifications.models import Alert
from salestio import tenancy
from tests.factories import Cast

pytestmark = pytest.mark.django_db


def test_an_alert_opens_once_is_brought_up_to_date_and_closes(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        alerts.raise_alert(kind="account_expired", key="1", data={"name": "US", "platform": "amazon", "id": 1})
        alerts.raise_alert(kind="account_expired", key="1", data={"name": "UK", "platform": "amazon", "id": 1})
        (reading,) = alerts.open_alerts()
        assert reading.title == "Account 'UK' has expired."
        assert "Re-connect your Amazon account" in reading.text
        assert (reading.button, reading.url, reading.level) == ("Confirm connection", "/accounts/1/", "stop")
        alerts.close(kind="account_expired", key="1")
        assert alerts.open_alerts() == []
        alerts.raise_alert(kind="account_expired", key="1", data={})
        assert Alert.objects.count() == 2


def test_the_worst_alert_comes_first(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        alerts.raise_alert(kind="oversold", key="a", data={})
        alerts.raise_alert(kind="account_ends_soon", key="b", data={})
        alerts.raise_alert(kind="data_request", key="c", data={})

        assert [reading.level for reading in alerts.open_alerts()] == ["stop", "wait", "work"]


def test_a_kind_nobody_described_is_still_shown(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        alerts.raise_alert(kind="something_new", key="1", data={"text": "Look at it."})

        (reading,) = alerts.open_alerts()
    assert (reading.title, reading.text, reading.level) == ("Something new", "Look at it.", "stop")


def test_every_kind_that_is_raised_anywhere_has_its_words() -> None:
    raised: set[str] = set()
    for folder in ("accounts", "orders", "inventory", "salestio"):
        for path in (Path(__file__).parents[2] / folder).rglob("*.py"):
            text = path.read_text()
            raised |= set(re.findall(r'(?:raise_alert\(|"alert\.open",)\s*kind="([a-z_]+)"', text))
            raised |= {f"{kind}_expired" for kind in ("store", "account") if '_expired"' in text}

    assert raised - set(alerts.KINDS) == set()
    assert len(raised) > 8


def test_lists_and_changes_read_as_words(merchant: Cast) -> None:
    facts = {"order": "112-1", "order_id": 7, "platform": "amazon", "store_platform": "shopify"}
    with tenancy.scope(merchant.id):
        alerts.raise_alert(kind="two_store_orders", key="7", data=facts | {"names": ["#1", "#2"]})
        alerts.raise_alert(kind="order_changed", key="7", data=facts | {"what": "address", "store_order": "#1"})
        twice, changed = alerts.open_alerts()

    assert twice.title == "Order 112-1 is in your store more than once: #1, #2."
    assert twice.url == "/orders/7/"
    assert changed.title == "Order 112-1 changed on Amazon after it was created."
    assert changed.text == "Its delivery address is another one now. Look at #1 in Shopify."


def test_an_alert_is_the_merchants_own(merchant: Cast, stranger: Cast) -> None:
    with tenancy.scope(merchant.id):
        alerts.raise_alert(kind="oversold", key="a", data={})
    with tenancy.scope(stranger.id):
        assert alerts.open_alerts() == []


@pytest.mark.parametrize("template", ["welcome", "joined", "invitation", "reset"])
def test_each_mail_has_a_subject_a_text_and_a_page(template: str, settings: Any) -> None:
    context = {"link": "https://example.com/x?a=1&b=2", "store": "A & B", "merchant": "A & B", "role": "viewer",
               "by": "Ines", "days": 7}  # fmt: skip

    assert mail.send(template=template, to="bo@example.com", context=context)

    message = outbox.outbox[-1]
    assert message.subject
    assert "\n" not in message.subject
    assert "&amp;" not in message.subject + message.body
    assert settings.BRAND_NAME in message.subject + message.body
    assert get_template(f"mail/{template}.html")


def test_a_name_cannot_break_out_of_the_subject() -> None:
    mail.send(template="joined", to="bo@example.com", context={"store": "Shop\nBcc: everyone@example.com"})

    assert "\n" not in outbox.outbox[-1].subject


def test_a_mail_server_that_is_away_is_told_and_not_raised(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    assert mail.send(template="reset", to="bo@example.com", context={"link": "x"}) is False


def test_in_demo_mode_a_mail_is_a_file_that_only_its_user_reads(settings: Any, tmp_path: Path) -> None:
    settings.MAIL_DIR = tmp_path / "mail"
    backend = get_connection("notifications.backend.FileMail")

    backend.send_messages([outbox.EmailMultiAlternatives("Hello", "Text ü", "a@example.com", ["b@example.com"])])

    (file,) = (tmp_path / "mail").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    read = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert read["Subject"] == "Hello"
    assert "Text ü" in read.get_body().get_content()  # type: ignore[union-attr]
