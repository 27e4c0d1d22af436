"""The check of a connection (F9), how fresh accounts are (F31), and warnings before a connection ends (F7, F151)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils.timezone import now

from accounts import checking, connections, credentials, jobs, preferences, warning
from accounts.models import MarketplaceAccount, Merchant, Store
from connectors.contract.errors import AuthorizationExpired, RateLimited, TransientError
from connectors.contract.types import Finding, Grant, Site, StoreInfo, StoreLocation
from inventory.models import Location
from notifications.alerts import open_alerts
from orders import freshness, intake
from orders.models import Order, OrderEvent
from salestio import tenancy
from salestio.outbox import dispatch
from salestio.outbox.models import OutboxRow
from tests.factories import Cast, amazon_line, amazon_order

pytestmark = pytest.mark.django_db
SignIn = Callable[[Cast], Client]

GOOD = Finding("rights", True, "All rights are granted.")
BAD = Finding("webhooks", False, "Webhooks are off.", "Press Check again.")
UNKNOWN = Finding("stock", None, "The stock settings could not be read now.")


class Platform:
    """A connector that can look itself over, and says what the test wants."""

    def __init__(self, *found: Finding | Exception) -> None:
        self.found = found

    def check(self) -> list[Finding]:
        for one in self.found:
            if isinstance(one, Exception):
                raise one
        return [one for one in self.found if isinstance(one, Finding)]

    def sites(self) -> list[Site]:
        return [Site("US", "Amazon.com", "A", "USD", "US")]


class Seller:
    """A connector that cannot, but tells its sites."""

    def sites(self) -> list[Site]:
        return [
            Site("US", "Amazon.com", "A", "USD", "US"),
            Site("CA", "Amazon.ca", "B", "CAD", "CA", active=False),
            Site("MX", "Amazon.com.mx", "C", "MXN", "MX", suspended=True),
        ]


def answering(monkeypatch: pytest.MonkeyPatch, connector: Any) -> None:
    monkeypatch.setattr(connections, "marketplace", lambda account: connector)


def titles(cast: Cast) -> list[str]:
    with tenancy.scope(cast.id):
        return [reading.title for reading in open_alerts()]


def account_of(cast: Cast) -> MarketplaceAccount:
    with tenancy.scope(cast.id):
        return MarketplaceAccount.objects.get(pk=cast.account.pk)


def test_what_a_check_finds_is_kept_and_a_failure_opens_an_alert_with_its_fix(
    merchant: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, Platform(GOOD, BAD, UNKNOWN))

    checking.check_connection(merchant.id, "account", merchant.account.pk)

    account = account_of(merchant)
    assert {one["code"]: one["ok"] for one in account.findings} == {
        "connection": True, "site_US": True, "rights": True, "webhooks": False, "stock": None,
    }  # fmt: skip
    assert account.checked_at is not None
    with tenancy.scope(merchant.id):
        (reading,) = open_alerts()
    assert reading.title == f"{merchant.account.name}: the check found something."
    assert reading.text == "Webhooks are off. Press Check again."


def test_a_cured_finding_closes_the_alert(merchant: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, Platform(BAD))
    checking.check(merchant.account)
    answering(monkeypatch, Platform(GOOD))

    checking.check(merchant.account)

    assert titles(merchant) == []
    assert account_of(merchant).findings[-1] == {
        "code": "rights", "ok": True, "sentence": "All rights are granted.", "fix": "",
    }  # fmt: skip


def test_what_could_not_be_looked_at_is_no_failure(merchant: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, Platform(GOOD, UNKNOWN))

    checking.check(merchant.account)

    assert titles(merchant) == []


def test_sites_the_seller_lost_or_paused_are_named_with_what_to_do(
    merchant: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, Seller())
    merchant.account.sites = ["US", "CA", "MX", "BR"]

    found = {one.code: one for one in checking.check(merchant.account)}

    assert found["site_US"].ok is True
    assert found["connection"].ok is True
    assert found["site_CA"].ok is False and "notice about the account" in found["site_CA"].fix
    assert found["site_MX"].ok is False and "vacation" in found["site_MX"].fix
    assert found["site_BR"].ok is False and "Register for BR" in found["site_BR"].fix


def test_a_platform_that_does_not_answer_leaves_the_last_findings(
    merchant: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, Platform(GOOD))
    checking.check(merchant.account)
    answering(monkeypatch, Platform(TransientError("down")))

    with pytest.raises(TransientError):
        checking.check(merchant.account)

    assert account_of(merchant).findings[-1]["code"] == "rights"


def test_a_check_that_meets_refused_credentials_expires_the_account(
    merchant: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, Platform(AuthorizationExpired("no")))

    checking.check(merchant.account)

    assert account_of(merchant).state == "expired"
    assert f"Account '{merchant.account.name}' has expired." in titles(merchant)


def test_every_night_each_working_connection_is_owed_one_check(merchant: Cast, stranger: Cast) -> None:
    assert checking.check_all(merchant.id, now()) == {"asked": 2}
    checking.check_all(merchant.id, now())

    with tenancy.scope(merchant.id):
        keys = sorted(OutboxRow.objects.filter(handler=checking.HANDLER).values_list("key", flat=True))
    assert keys == [f"account:{merchant.account.pk}", f"store:{merchant.store.pk}"]
    with tenancy.scope(stranger.id):
        assert not OutboxRow.objects.exists()


def test_every_night_a_stores_notifications_are_put_right_before_it_is_checked(merchant: Cast) -> None:
    checking.check_all(merchant.id, now())

    with tenancy.scope(merchant.id):
        keys = [str(merchant.store.pk), f"store:{merchant.store.pk}"]
        owed = list(OutboxRow.objects.filter(key__in=keys).order_by("pk").values_list("handler", flat=True))
    assert owed == ["accounts.connect.set_up_store", checking.HANDLER]


def test_the_button_checks_again_and_the_card_lists_what_needs_somebody(
    merchant: Cast, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, Platform(GOOD, BAD))
    browser = signed_in(merchant)

    answer = browser.post(f"/accounts/{merchant.account.pk}/check/", follow=True).content.decode()

    assert "1 of 4 points need you" in answer
    assert "Webhooks are off." in answer and "Press Check again." in answer
    assert "All rights are granted." not in answer


def test_a_platform_that_wants_a_pause_is_told_in_words(
    merchant: Cast, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, Platform(RateLimited("too many calls", retry_after=900)))

    answer = signed_in(merchant).post(f"/accounts/{merchant.account.pk}/check/", follow=True).content.decode()

    assert "could not be checked now" in answer


class Shop:
    """A store that answers."""

    def __init__(self, **facts: Any) -> None:
        self.facts = facts

    def info(self) -> StoreInfo:
        return StoreInfo(key="s", name="Shop", currency="USD", **self.facts)

    def locations(self) -> list[StoreLocation]:
        return [StoreLocation("1", "Portland")]


def test_a_store_that_takes_stock_at_shipping_since_is_believed_at_the_next_check(
    merchant: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "storefront", lambda store: Shop(claims_stock="at_shipping"))

    checking.check(merchant.store)

    with tenancy.scope(merchant.id):
        assert Store.objects.get(pk=merchant.store.pk).claims_stock == "at_shipping"


def test_a_default_warehouse_that_is_gone_is_a_finding(merchant: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "storefront", lambda store: Shop())
    with tenancy.scope(merchant.id):
        place = Location.objects.create(merchant_id=merchant.id, store=merchant.store, remote_id="1", name="Portland")
        preferences.write(merchant.store, {"default_location": place.pk}, actor="Ines")
        Location.objects.update(active=False)
        store = Store.objects.get(pk=merchant.store.pk)

    failed = [one.code for one in checking.check(store) if one.ok is False]

    assert failed == ["default_location"]


# ── how fresh ────────────────────────────────────────────────────────────────────────────────────────────────────────


def came(cast: Cast, *, seconds: int, via: str) -> None:
    """Let an order come in that took so long."""
    with tenancy.scope(cast.id):
        account = MarketplaceAccount.objects.select_related("store", "merchant").get(pk=cast.account.pk)
        order = amazon_order(amazon_line("A"), purchased_at=now() - timedelta(minutes=5))
        (pk,) = intake.save_page(account, [order]).order_ids
        OrderEvent.objects.filter(order_id=pk, code="IMPORTED").update(data={"seconds": seconds, "via": via})


def test_the_import_lag_is_the_95th_percentile_of_what_came_by_itself(merchant: Cast) -> None:
    for number in range(20):
        came(merchant, seconds=number + 1, via="sweep" if number < 19 else "back-fill")

    with tenancy.scope(merchant.id):
        lags = freshness.import_lag()

    assert lags[merchant.account.pk] == pytest.approx(18.1)


def test_orders_that_an_outage_of_a_day_kept_back_are_late(merchant: Cast) -> None:
    came(merchant, seconds=30 * 3600, via="sweep")
    with tenancy.scope(merchant.id):
        Order.objects.update(purchased_at=now() - timedelta(hours=30))

        assert freshness.import_lag()[merchant.account.pk] == 30 * 3600


def last_read(cast: Cast, ago: timedelta | None, **more: Any) -> None:
    with tenancy.scope(cast.id):
        MarketplaceAccount.objects.update(last_pull_at=None if ago is None else now() - ago, **more)


@pytest.mark.parametrize(
    ("ago", "more", "words"),
    [
        (timedelta(hours=3), {}, "not known while it is not read"),
        (None, {}, "not read yet"),
        (timedelta(minutes=1), {"state": "expired"}, "not known while it is not read"),
    ],
    ids=["down", "never", "expired"],
)
def test_the_lag_of_before_is_not_told_while_nothing_is_read(
    merchant: Cast, signed_in: SignIn, ago: timedelta | None, more: dict[str, Any], words: str
) -> None:
    came(merchant, seconds=42, via="sweep")
    last_read(merchant, ago, **more)

    browser = signed_in(merchant)
    page, dashboard = browser.get("/accounts/").content.decode(), browser.get("/").content.decode()

    assert words in page
    assert "42 s" not in page
    assert ("Orders bought since then are not here yet" in page) == (ago == timedelta(hours=3))
    assert 'this long after their purchase">—<' in dashboard


def test_the_accounts_page_tells_the_lag_and_the_promise(merchant: Cast, signed_in: SignIn) -> None:
    came(merchant, seconds=42, via="sweep")
    last_read(merchant, timedelta(minutes=1))

    page = signed_in(merchant).get("/accounts/").content.decode()

    assert "42 s" in page
    assert "5 minutes after it is paid" in page


# ── before a connection ends ─────────────────────────────────────────────────────────────────────────────────────────


def permitted(cast: Cast, days: float) -> None:
    with tenancy.scope(cast.id):
        credentials.store_grant(
            cast.account,
            Grant(key=cast.account.key, refresh_token="r", refresh_expires_at=now() + timedelta(days=days)),
        )


def wish(cast: Cast, **changes: Any) -> None:
    with tenancy.scope(cast.id):
        preferences.write(Merchant.objects.get(pk=cast.id), changes, actor="owner")


def send_mails(cast: Cast) -> list[str]:
    mail.outbox.clear()
    with tenancy.scope(cast.id):
        rows = list(OutboxRow.objects.filter(handler=warning.HANDLER, state="pending"))
    for row in rows:
        dispatch._do(cast.id, row)
    with tenancy.scope(cast.id):
        OutboxRow.objects.filter(pk__in=[row.pk for row in rows]).update(state="done")
    return [f"{message.to[0]}: {message.subject}" for message in mail.outbox]


def test_each_threshold_is_mailed_once_to_the_owners(merchant: Cast) -> None:
    permitted(merchant, 20)
    sent = []

    for day in (0, 7, 8, 18, 18.5):
        jobs.token_warnings(merchant.id, now() + timedelta(days=day))
        sent.append(send_mails(merchant))

    name, owner = merchant.account.name, merchant.user.email
    assert sent == [
        [], [f"{owner}: Access to {name} ends in 12 days"], [], [f"{owner}: Access to {name} ends in 1 day"], [],
    ]  # fmt: skip


def test_the_merchant_chooses_the_days(merchant: Cast) -> None:
    permitted(merchant, 25)
    wish(merchant, token_warning_days="30, 5")

    jobs.token_warnings(merchant.id, now())

    assert titles(merchant) and len(send_mails(merchant)) == 1


def test_a_permission_without_an_end_is_left_alone(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        credentials.store_grant(merchant.account, Grant(key="k", refresh_token="r"))

    assert jobs.token_warnings(merchant.id, now()) == {}
    assert titles(merchant) == []


@pytest.mark.parametrize("wrong", ["0", "31", "a", "", "14, 7, 3"])
def test_days_outside_one_to_thirty_are_refused(merchant: Cast, wrong: str) -> None:
    with pytest.raises(preferences.InvalidSettings, match="30"):
        wish(merchant, token_warning_days=wrong)


def test_an_expired_account_is_mailed_only_when_the_merchant_wants_that(merchant: Cast) -> None:
    with tenancy.scope(merchant.id):
        credentials.expire(merchant.account, "revoked")
    assert send_mails(merchant) == []
    with tenancy.scope(merchant.id):
        MarketplaceAccount.objects.update(state="active")
    wish(merchant, mail_account_expired=True, mail_account_expired_to="desk@example.com")

    with tenancy.scope(merchant.id):
        credentials.expire(account_of(merchant), "revoked")

    assert send_mails(merchant) == [f"desk@example.com: Account '{merchant.account.name}' has expired"]


def test_account_mails_need_an_address(merchant: Cast) -> None:
    with pytest.raises(preferences.InvalidSettings, match="address"):
        wish(merchant, mail_account_expired=True)


def test_a_mail_server_that_is_away_delays_the_mail(merchant: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    permitted(merchant, 2)
    jobs.token_warnings(merchant.id, now())
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", _refuses)
    with tenancy.scope(merchant.id):
        row = OutboxRow.objects.get(handler=warning.HANDLER)

    dispatch._do(merchant.id, row)

    with tenancy.scope(merchant.id):
        assert OutboxRow.objects.get(pk=row.pk).error_code == "TransientError"


def _refuses(self: Any, messages: Any) -> int:
    raise ConnectionRefusedError
