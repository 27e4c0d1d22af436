"""Customized lines, all the way: the archive is fetched from the pretend Amazon, kept sealed, linked and erased."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.test import Client
from django.utils.timezone import now

from inventory.models import Variant
from notifications.models import Alert
from orders import archives, personal
from orders.models import Archive, Buyer, Order, OrderEvent
from salestio import tenancy
from salestio.outbox.models import OutboxRow
from tests.orders.conftest import Start
from tests.orders.world import World, run_due

pytestmark = pytest.mark.django_db(transaction=True)

SKU = "NP-MBL-200-W-S-FOR"
WISH = {"text": "For Ada & Bo", "font": "Georgia", "color": "Navy", "picture": "dog.png"}


def buy(world: World, wish: Any = WISH) -> str:
    """Let a buyer order a customized item."""
    world.set_stock(SKU, 5)
    (reference,) = world.place([{"sku": SKU, "quantity": 1, "customization": wish}])
    return reference


def row_of(world: World, reference: str) -> Archive:
    with tenancy.scope(world.merchant_id):
        return Archive.objects.select_related("order").get(order__marketplace_order_id=reference)


def work_until_state(world: World, reference: str, state: str) -> Archive:
    """Run what is due until the archive is in this state."""

    def there() -> bool:
        with tenancy.scope(world.merchant_id):
            return Archive.objects.filter(order__marketplace_order_id=reference, state=state).exists()

    world.work_until(there)
    return row_of(world, reference)


def order_in_store(world: World, reference: str) -> str:
    """Return the order's page in the store's own admin."""
    (found,) = world.store_orders(reference)
    number = found["id"].rpartition("/")[2]
    answer = requests.get(f"{world.sandbox.url}/shopify/{world.shop}/admin/orders/{number}", timeout=5)
    assert answer.status_code == 200
    return answer.text


def break_download(world: World, **more: Any) -> None:
    world.fault(platform="amazon", operation="downloadCustomization", **more)


def again_at_once(world: World) -> None:
    """Make what waits in the outbox due now."""
    with tenancy.scope(world.merchant_id):
        OutboxRow.objects.filter(handler=archives.HANDLER, state="pending").update(next_attempt_at=now())


def test_the_archive_is_kept_sealed_and_its_link_stands_in_the_store_order(world: World) -> None:
    reference = buy(world)

    world.work(reference)
    archive = work_until_state(world, reference, "kept")

    with tenancy.scope(world.merchant_id):
        content = archives.content(archive.pk)
        summary = archives.summary(archive)
        link = archives.link(archive)
        sealed = bytes(Archive.objects.values_list("sealed", flat=True).get(pk=archive.pk))
    assert content is not None and zipfile.is_zipfile(io.BytesIO(content)) and len(content) == archive.size
    assert not sealed.startswith(b"PK") and b"Ada" not in sealed
    assert summary is not None and (summary.wishes[0].value, summary.wishes[0].font) == ("For Ada & Bo", "Georgia")
    told = order_in_store(world, reference)
    assert link in told and "Customization</dt>" in told
    assert "/amazon/customizations/" not in told, "the marketplace's own link stays with us"
    assert "CUSTOMIZATION_KEPT" in world.events(reference)


def test_the_store_order_does_not_wait_for_the_fetch_and_carries_a_link_that_says_so(world: World) -> None:
    break_download(world, kind="status", params={"code": 503})
    reference = buy(world)

    world.work(reference)

    archive = row_of(world, reference)
    assert archive.state != "kept"
    with tenancy.scope(world.merchant_id):
        link = archives.link(archive)
    assert link in order_in_store(world, reference)
    page = Client().get(link.partition("/customization/")[1] + link.partition("/customization/")[2])
    assert page.status_code == 200 and b"could not be fetched yet" in page.content


def test_a_link_that_expired_while_it_waited_is_asked_for_anew(world: World) -> None:
    break_download(world, kind="status", params={"code": 503})
    reference = buy(world)
    world.work(reference)
    work_until_state(world, reference, "failed")
    world.sandbox.control("POST", "/clock", {"advance_seconds": 3000})
    world.mend()

    again_at_once(world)
    archive = work_until_state(world, reference, "kept")

    assert archive.problem == "" and archive.size > 0
    assert world.events(reference)[-1] == "CUSTOMIZATION_KEPT"


def test_a_link_that_is_refused_at_the_first_try_is_asked_for_at_once(world: World) -> None:
    break_download(world, kind="status", params={"code": 403}, count=1)
    reference = buy(world)

    archive = work_until_state(world, reference, "kept")

    assert archive.attempts == 0 and "CUSTOMIZATION_FAILED" not in world.events(reference)


def test_a_failure_warns_the_merchant_once_and_fetch_again_mends_it(world: World) -> None:
    break_download(world, kind="status", params={"code": 503})
    reference = buy(world)
    world.work(reference)

    def told() -> bool:
        again_at_once(world)
        with tenancy.scope(world.merchant_id):
            return Alert.objects.filter(kind="customization", closed_at=None).exists()

    world.work_until(told)
    with tenancy.scope(world.merchant_id):
        (alert,) = Alert.objects.filter(kind="customization", closed_at=None)
        assert alert.data["order"] == reference and alert.data["text"]
    assert world.events(reference).count("CUSTOMIZATION_FAILED") == 1, "a problem is told once, not with every try"

    world.mend()
    with tenancy.scope(world.merchant_id):
        archives.fetch_again(row_of(world, reference), actor="Ines")
    work_until_state(world, reference, "kept")

    with tenancy.scope(world.merchant_id):
        assert not Alert.objects.filter(kind="customization", closed_at=None).exists()


def test_it_stops_trying_by_itself_and_the_row_is_not_given_up_as_a_fault(world: World) -> None:
    break_download(world, kind="status", params={"code": 503})
    reference = buy(world)
    work_until_state(world, reference, "failed")

    def stopped() -> bool:
        again_at_once(world)
        with tenancy.scope(world.merchant_id):
            return not OutboxRow.objects.filter(handler=archives.HANDLER).exclude(state="done").exists()

    world.work_until(stopped)

    archive = row_of(world, reference)
    assert (archive.state, archive.attempts) == ("failed", archives.TRIES)
    with tenancy.scope(world.merchant_id):
        assert not Alert.objects.filter(kind="outbox_dead").exists()


def test_a_file_that_is_too_large_is_not_tried_again_by_itself(world: World) -> None:
    reference = buy(world, {"text": "x", "large": 26 * 1024 * 1024})

    archive = work_until_state(world, reference, "failed")

    assert (archive.problem, archive.attempts) == ("TOO_LARGE", 1)
    with tenancy.scope(world.merchant_id):
        assert OutboxRow.objects.get(handler=archives.HANDLER).state == "done"
        assert Alert.objects.filter(kind="customization", closed_at=None).exists()


@pytest.mark.parametrize(
    "link",
    ["http://127.0.0.1:1/amazon/customizations/x.zip", "https://evil.example/x.zip", "http://169.254.169.254/latest/"],
)
def test_a_link_that_leads_elsewhere_is_not_followed(world: World, link: str) -> None:
    reference = buy(world, link)

    archive = work_until_state(world, reference, "failed")

    assert (archive.problem, archive.attempts, archive.size) == ("NOT_ALLOWED", 1, 0)


def test_reading_the_order_again_is_no_change_although_its_link_is_another(world: World) -> None:
    reference = buy(world)
    world.work(reference)
    work_until_state(world, reference, "kept")
    before = world.order(reference)

    world.work_for(0.3)

    after = world.order(reference)
    assert before is not None and after is not None and after.revision == before.revision
    with tenancy.scope(world.merchant_id):
        assert OutboxRow.objects.filter(handler=archives.HANDLER).count() == 1, "and it is fetched once"


def test_the_archive_goes_with_its_buyer_and_nothing_brings_it_back(world: World) -> None:
    reference = buy(world)
    world.work(reference)
    archive = work_until_state(world, reference, "kept")
    with tenancy.scope(world.merchant_id):
        link = archives.link(archive)
    path = link[link.index("/customization/") :]
    assert Client().get(path).status_code == 200

    personal.purge(world.merchant_id, at=now() + timedelta(days=400))
    archives.fetch(world.merchant_id, archive.pk)

    with tenancy.scope(world.merchant_id):
        assert not Archive.objects.exists() and not Buyer.objects.exists()
    assert Client().get(path).status_code == 410
    world.change(reference, status="shipped")
    world.work_for(0.3)
    with tenancy.scope(world.merchant_id):
        assert not Archive.objects.exists()


def test_an_erasure_during_the_fetch_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = buy(world)
    world.work_until(lambda: world.order(reference) is not None)
    archive = row_of(world, reference)
    fetch = archives._content

    def erased_meanwhile(found: Archive, url: str) -> bytes:
        content = fetch(found, url)
        with tenancy.scope(world.merchant_id):
            personal.erase([found.order_id], why="test")
        return content

    monkeypatch.setattr(archives, "_content", erased_meanwhile)
    archives.fetch(world.merchant_id, archive.pk)

    with tenancy.scope(world.merchant_id):
        assert not Archive.objects.exists()
        assert not OrderEvent.objects.filter(code="CUSTOMIZATION_KEPT", order_id=archive.order_id).exists()


def test_bigcommerce_gets_the_link_in_the_staff_notes(start: Start) -> None:
    world = start("lumen", platform="amazon")
    with tenancy.scope(world.merchant_id):
        known = set(Variant.objects.values_list("sku", flat=True))
    sku = next(row["sku"] for row in world.listings() if row["sku"] in known and row["fulfilled_by"] == "merchant")
    world.set_stock(sku, 5)
    (reference,) = world.place([{"sku": sku, "quantity": 1, "customization": "For Ada"}])

    world.work(reference)

    order = world.order(reference)
    assert order is not None and order.export_state == "created", order and order.reason_code
    with tenancy.scope(world.merchant_id):
        link = archives.link(row_of(world, reference))
    (write,) = [row for row in world.writes("order.create") if row["reference"] == reference]
    assert link in str(write["body"]["staff_notes"])


def test_an_order_without_customization_asks_for_nothing(world: World) -> None:
    world.set_stock(SKU, 5)
    (reference,) = world.buy((SKU, 1))

    world.work(reference)
    run_due()

    with tenancy.scope(world.merchant_id):
        assert Order.objects.filter(marketplace_order_id=reference).exists() and not Archive.objects.exists()
    assert requests.get(f"{world.sandbox.url}/_control/calls", timeout=5).text.count("downloadCustomization") == 0
