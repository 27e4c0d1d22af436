"""The workbench for orders, stock and messages: found by any id, no buyer and no secret shown, every deed written down."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from accounts.models import AuditEntry
from inventory.models import Variant
from notifications.models import Alert
from orders.models import Order, OrderPull, StoreOrder
from salestio import tenancy
from salestio.inbox.models import InboxRow
from salestio.models import CallCount, Heartbeat, SystemNote
from salestio.outbox.models import OutboxRow
from salestio.workbench import AcrossMerchants, Workbench
from tests import canaries
from tests.canaries import WORDS, Planted
from tests.factories import Cast

from .conftest import EMAIL

pytestmark = pytest.mark.django_db
ORDERS = "/admin/orders/order/"


def models_shown() -> list[Any]:
    """Return every model of the workbench."""
    return [model for model, shown in admin.site._registry.items() if isinstance(shown, AcrossMerchants)]


def base(model: Any) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def rows(model: Any) -> list[Any]:
    with tenancy.unscoped("test"):
        return list(model.objects.values_list("pk", flat=True)[:3])


def fill(planted: Planted) -> None:
    """Give the tables that no door of the canaries fills a row too."""
    cast = planted.cast
    with tenancy.scope(cast.id):
        OrderPull.objects.get_or_create(account=cast.account, merchant_id=cast.id, defaults={"cursor": now()})
        StoreOrder.objects.create(
            merchant_id=cast.id, order_id=planted.stored_order, store=cast.store, account=cast.account, state="created",
            marketplace_order_id=WORDS["other order id"], key="canary-key", remote_id=WORDS["store order id"],
        )  # fmt: skip
    Heartbeat.objects.update_or_create(name="worker", defaults={"at": now()})
    SystemNote.objects.update_or_create(name="job:purge", defaults={"value": {"at": now().isoformat()}})
    CallCount.objects.update_or_create(platform="amazon", operation="searchOrders", status="200", defaults={"calls": 2})


def audited(merchant_id: int, action: str) -> AuditEntry:
    with tenancy.scope(merchant_id):
        return AuditEntry.objects.get(action=action)


def press(staff: Client, url: str, deed: str, typed: str = "") -> str:
    """Press a button of a row's page and return the page that follows as text."""
    return staff.post(url, {"deed": deed, "typed": typed}, follow=True).content.decode()


def open_with_reason(staff: Client, cast: Cast) -> None:
    staff.post(f"/admin/accounts/merchant/{cast.id}/open/", {"reason": "Ticket 4711"})


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_list_and_page_opens_and_shows_no_buyer_and_no_secret(
    planted: Planted, other: Cast, staff: Client
) -> None:
    fill(planted)
    opened = 0
    for model in models_shown():
        ids = rows(model)
        for url in [base(model), f"{base(model)}?q=417", *(f"{base(model)}{pk}/change/" for pk in ids)]:
            answer = staff.get(url)
            assert answer.status_code == 200, url
            shown = canaries.found_in(answer.content.decode(), canaries.BUYER | planted.secrets)
            assert shown == [], f"{url} shows {shown}"
            opened += 1
    assert opened > 40


def test_there_is_no_page_of_buyers_credentials_or_kept_answers(planted: Planted, staff: Client) -> None:
    for path in ("orders/buyer", "accounts/credential", "salestio/idempotencyrecord", "orders/savedview"):
        assert staff.get(f"/admin/{path}/").status_code == 404


def test_people_who_are_no_staff_see_nothing_and_do_nothing(planted: Planted) -> None:
    member = Client()
    member.force_login(planted.cast.user)
    url = f"{ORDERS}{planted.order}/change/"

    for client in (Client(), member):
        for answer in (client.get(ORDERS), client.get(url), client.post(url, {"deed": "make_due"})):
            assert answer.status_code in (302, 403)
            assert canaries.found_in(answer.content.decode(), planted.all_words) == []
    with tenancy.scope(planted.cast.id):
        assert Order.objects.get(pk=planted.order).reason_code == "OUT_OF_STOCK"


def test_support_adds_changes_and_deletes_nothing(planted: Planted, staff: Client) -> None:
    for model, pk in ((Order, planted.order), (Variant, planted.ids["variant"])):
        assert staff.get(f"{base(model)}add/").status_code == 403
        assert staff.post(f"{base(model)}{pk}/change/", {"sku": "x"}).status_code == 403
        assert staff.post(f"{base(model)}{pk}/delete/", {"post": "yes"}).status_code == 403


# ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pasted", "which"),
    [
        (WORDS["order id"], "held"),
        (f"  {WORDS['order id']} ", "held"),
        (WORDS["store order"], "stored"),
        (WORDS["store order"][1:], "stored"),
        (WORDS["store order id"], "stored"),
        (WORDS["store order id"].rsplit("/", 1)[1], "stored"),
        (WORDS["seller SKU"], "all"),
        (WORDS["merchant"], "both"),
        (WORDS["member"].upper(), "both"),
        (WORDS["store domain"], "both"),
        (WORDS["seller"].lower(), "both"),
        (WORDS["account"], "both"),
        ("nothing has this name", "none"),
    ],
)
def test_an_order_is_found_by_whatever_is_pasted(
    planted: Planted, other: Cast, staff: Client, pasted: str, which: str
) -> None:
    text = staff.get(ORDERS, {"q": pasted}).content.decode()

    wanted = {
        "held": {planted.order},
        "stored": {planted.stored_order},
        "both": {planted.order, planted.stored_order},
        "none": set(),
    }
    with tenancy.unscoped("test"):
        ids = set(Order.objects.values_list("pk", flat=True))
    wanted["all"] = ids
    assert {pk for pk in ids if f"{ORDERS}{pk}/change/" in text} == wanted[which]


def test_an_order_is_found_by_our_own_number_and_its_store_sku(planted: Planted, other: Cast, staff: Client) -> None:
    assert f"{ORDERS}{planted.order}/change/" in staff.get(ORDERS, {"q": str(planted.order)}).content.decode()
    with tenancy.scope(planted.cast.id):
        Order.objects.get(pk=planted.order).lines.update(variant_id=planted.ids["variant"])

    text = staff.get(ORDERS, {"q": WORDS["store SKU"]}).content.decode()

    assert f"{ORDERS}{planted.order}/change/" in text
    assert f"{ORDERS}{planted.stored_order}/change/" not in text


def test_other_rows_are_found_by_their_ids(planted: Planted, other: Cast, staff: Client) -> None:
    fill(planted)
    for model, pasted in (
        (Variant, WORDS["store SKU"]), (OrderPull, WORDS["seller"]), (StoreOrder, WORDS["store order id"]),
        (OutboxRow, "canary"), (InboxRow, "canary-event"), (Alert, "misplaced"),
    ):  # fmt: skip
        first = set_up_row(planted) if model is OutboxRow else rows(model)[0]
        assert f"{base(model)}{first}/change/" in staff.get(base(model), {"q": pasted}).content.decode(), model
        assert f"{base(model)}{first}/change/" not in staff.get(base(model), {"q": "no such"}).content.decode(), model


def test_an_order_says_why_it_stands_where_it_stands(planted: Planted, staff: Client) -> None:
    text = staff.get(f"{ORDERS}{planted.order}/change/").content.decode()

    assert "2 ordered, 1 available" in text
    assert WORDS["event actor"] in text
    assert WORDS["merchant"] in text


# ── a million rows ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_list_counts_a_table_or_sorts_it_by_what_has_no_index(planted: Planted, staff: Client) -> None:
    for model in models_shown():
        table = model._meta.db_table
        with CaptureQueriesContext(connection) as asked:
            staff.get(base(model), {"o": "1.-2"})
        read = [query["sql"] for query in asked.captured_queries if f'FROM "{table}"' in query["sql"]]
        assert read, model
        assert [sql for sql in read if "COUNT(" in sql.upper()] == []
        if isinstance(admin.site._registry[model], Workbench):
            ordered = [sql.split("ORDER BY ")[1] for sql in read if "ORDER BY " in sql]
            assert [order for order in ordered if not order.startswith(f'"{table}"."id" DESC')] == []


def test_a_list_of_more_than_a_page_reads_one_page(planted: Planted, staff: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(AcrossMerchants, "list_per_page", 1)
    with CaptureQueriesContext(connection) as asked:
        first = staff.get(ORDERS).content.decode()

    read = [query["sql"] for query in asked.captured_queries if 'FROM "orders_order"' in query["sql"]]
    assert [sql for sql in read if "LIMIT" not in sql] == []
    assert f"{ORDERS}{planted.stored_order}/change/" in first
    assert f"{ORDERS}{planted.order}/change/" not in first
    assert f"{ORDERS}{planted.order}/change/" in staff.get(ORDERS, {"p": "2"}).content.decode()


def test_a_list_asks_no_more_for_many_rows_than_for_few(planted: Planted, staff: Client) -> None:
    with CaptureQueriesContext(connection) as few:
        staff.get(ORDERS)
    for number in range(6):
        canaries.save_order(planted.cast, f"701-9174100-000050{number}")

    with CaptureQueriesContext(connection) as many:
        staff.get(ORDERS)

    assert len(many) == len(few)


# ── deeds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_make_due_acts_as_the_button_does_and_is_written_down(planted: Planted, other: Cast, staff: Client) -> None:
    data = {"action": "make_due", "_selected_action": [planted.order, planted.stored_order]}
    text = staff.post(ORDERS, data, follow=True).content.decode()

    assert "due now" in text
    assert "stays as it is" in text
    with tenancy.scope(planted.cast.id):
        order = Order.objects.get(pk=planted.order)
        assert (order.export_state, order.reason_code, order.asked_by) == ("imported", "QUEUED", f"support {EMAIL}")
        assert Order.objects.get(pk=planted.stored_order).export_state == "created"
        entries = AuditEntry.objects.filter(action="support.make_due", actor=f"support {EMAIL}")
        assert sorted(entries.values_list("subject", flat=True)) == sorted(
            [f"order {planted.order}", f"order {planted.stored_order}"]
        )


def test_run_again_says_what_came_of_it(planted: Planted, staff: Client) -> None:
    text = press(staff, f"{ORDERS}{planted.stored_order}/change/", "rerun")

    assert f"created: {WORDS['store order']}" in text
    assert audited(planted.cast.id, "support.rerun").actor == f"support {EMAIL}"


def test_too_many_rows_and_all_pages_at_once_are_refused_in_words(planted: Planted, staff: Client) -> None:
    data = {"action": "make_due", "_selected_action": [planted.order], "select_across": "1"}

    assert "Nothing was done" in staff.post(ORDERS, data, follow=True).content.decode()
    assert "Choose an action" in staff.post(ORDERS, {"action": "make_due"}, follow=True).content.decode()
    assert staff.post(ORDERS, {"action": "delete_selected", "_selected_action": [planted.order]}).status_code == 403
    with tenancy.scope(planted.cast.id):
        assert Order.objects.get(pk=planted.order).export_state == "held"


def test_the_account_is_pulled_and_stock_is_read_again(planted: Planted, staff: Client) -> None:
    fill(planted)
    cast = planted.cast
    (job,) = rows(OrderPull)

    assert "new orders are being looked for" in press(staff, f"/admin/orders/orderpull/{job}/change/", "pull")
    assert "a reading is due now" in press(
        staff, f"/admin/inventory/variant/{planted.ids['variant']}/change/", "read_soon"
    )

    with tenancy.scope(cast.id):
        assert OrderPull.objects.get(pk=job).asked_at is not None
        assert Variant.objects.get(pk=planted.ids["variant"]).reread_at is not None
    assert audited(cast.id, "support.pull").subject == f"order pull {job}"
    assert audited(cast.id, "support.read_soon").subject == f"variant {planted.ids['variant']}"


def set_up_row(planted: Planted) -> int:
    """Return the planted row that owes the store its set-up."""
    with tenancy.scope(planted.cast.id):
        return int(OutboxRow.objects.get(handler="accounts.connect.set_up_store").pk)


def test_a_row_that_was_given_up_is_sent_again(planted: Planted, staff: Client) -> None:
    pk = set_up_row(planted)
    with tenancy.scope(planted.cast.id):
        OutboxRow.objects.filter(pk=pk).update(state="dead", attempts=12, error_code="FAULT", done_at=now())
        Alert.objects.create(merchant_id=planted.cast.id, kind="outbox_dead", key=str(pk), level="stop")

    assert "due now" in press(staff, f"/admin/outbox/outboxrow/{pk}/change/", "requeue")

    with tenancy.scope(planted.cast.id):
        row = OutboxRow.objects.get(pk=pk)
        assert (row.state, row.attempts, row.done_at) == ("pending", 0, None)
        assert Alert.objects.get(kind="outbox_dead").closed_at is not None
    assert audited(planted.cast.id, "support.requeue").subject.endswith(str(pk))


def test_a_given_up_row_stays_when_a_newer_one_carries_its_work(planted: Planted, staff: Client) -> None:
    pk = set_up_row(planted)
    with tenancy.scope(planted.cast.id):
        dead = OutboxRow.objects.get(pk=pk)
        dead.pk, dead.state = None, "dead"
        dead.save()

    assert "a newer row" in press(staff, f"/admin/outbox/outboxrow/{dead.pk}/change/", "requeue")

    with tenancy.scope(planted.cast.id):
        assert OutboxRow.objects.get(pk=dead.pk).state == "dead"


def test_a_job_runs_for_one_merchant_and_is_written_down(planted: Planted, staff: Client) -> None:
    jobs = base(SystemNote)

    staff.post(jobs, {"job": "recount", "merchant": str(planted.cast.id)})

    entry = audited(planted.cast.id, "support.job")
    assert (entry.subject, entry.actor) == ("recount", f"support {EMAIL}")
    assert "There is no merchant" in staff.post(jobs, {"job": "recount", "merchant": "0"}, follow=True).content.decode()
    assert "There is no such job" in staff.post(jobs, {"job": "nonsense"}, follow=True).content.decode()


def test_a_job_is_made_due_for_every_merchant(staff: Client) -> None:
    SystemNote.objects.update_or_create(name="job:purge", defaults={"value": {"at": now().isoformat()}})

    text = staff.post(base(SystemNote), {"job": "purge", "merchant": ""}, follow=True).content.decode()

    assert "due for every merchant" in text
    assert SystemNote.objects.get(name="job:purge").value == {}


# ── the raw payload ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_raw_payload_is_shown_masked_after_opening_the_merchant_and_each_look_is_written_down(
    planted: Planted, other: Cast, staff: Client
) -> None:
    told = {"orderId": "701-1", "buyer": {"buyerName": WORDS["member name"], "buyerEmail": "canary@example.com"}}
    order_id = canaries.save_order(planted.cast, "701-9174100-0000777", raw=told)
    url = f"{ORDERS}{order_id}/change/"
    open_with_reason(staff, other)
    assert "open this merchant with a reason first" in press(staff, url, "raw_payload")

    open_with_reason(staff, planted.cast)
    answer = staff.post(url, {"deed": "raw_payload"})
    staff.post(url, {"deed": "raw_payload"})

    text = answer.content.decode()
    assert "701-1" in text
    assert "buyerName" in text
    assert WORDS["member name"] not in text
    assert "canary@example.com" not in text
    assert "no-store" in answer["Cache-Control"]
    with tenancy.scope(planted.cast.id):
        looks = AuditEntry.objects.filter(action="support.raw_payload")
        assert [(one.actor, one.reason) for one in looks] == [(f"support {EMAIL}", "Ticket 4711")] * 2
