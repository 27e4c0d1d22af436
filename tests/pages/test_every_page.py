"""What holds for every page of orders, dashboard and mapping: nobody else's data, no error, readable by a screen reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from inventory import mappings
from notifications.models import Alert
from orders.models import Order, SavedView
from salestio import tenancy
from tests.factories import Cast
from tests.pages.conftest import OUT_OF_STOCK, in_store, save_order

pytestmark = pytest.mark.django_db

WALK: dict[str, tuple[str, ...]] = {
    "": ("GET",),
    "dashboard/live/": ("GET",),
    "alerts/<int:pk>/done/": ("POST",),
    "orders/": ("GET",),
    "orders/live/": ("GET",),
    "orders/export/": ("POST",),
    "orders/export/<int:pk>/close/": ("POST",),
    "orders/fetch/": ("GET", "POST"),
    "orders/check/": ("POST",),
    "orders/<int:pk>/": ("GET",),
    "orders/<int:pk>/live/": ("GET",),
    "orders/<int:pk>/export/": ("POST",),
    "orders/<int:pk>/confirm/<str:what>/": ("GET",),
    "orders/<int:pk>/adopt/": ("POST",),
    "orders/<int:pk>/lines/<int:number>/change/": ("GET", "POST"),
    "orders/<int:pk>/address/": ("GET", "POST"),
    "orders/preview/": ("GET",),
    "orders/<int:pk>/customization/<int:archive>/": ("GET",),
    "orders/<int:pk>/customization/<int:archive>/picture/<int:number>/": ("GET",),
    "orders/<int:pk>/customization/<int:archive>/again/": ("POST",),
    "orders/<int:pk>/customization/<int:archive>/link/": ("POST",),
    "customization/<str:link>/": ("GET",),
    "customization/<str:link>/download/": ("GET",),
    "customization/<str:link>/picture/<int:number>/": ("GET",),
    "settings/stores/<int:pk>/routing/": ("GET", "POST"),
    "settings/stores/<int:pk>/routing/<int:rule>/": ("POST",),
    "orders/views/": ("POST",),
    "accounts/<int:pk>/older-orders/": ("GET", "POST"),
    "read-only/": ("GET",),
    "read-only/lift/": ("POST",),
    "orders/views/<int:pk>/delete/": ("POST",),
    "settings/sku-mapping/": ("GET",),
    "settings/sku-mapping/add/": ("POST",),
    "settings/sku-mapping/delete/": ("POST",),
    "settings/sku-mapping/<int:pk>/": ("GET", "POST"),
    "settings/sku-mapping/download/": ("GET",),
    "settings/sku-mapping/upload/": ("POST",),
    "settings/sku-mapping/uploads/<int:pk>/": ("GET",),
    "settings/sku-mapping/uploads/<int:pk>/live/": ("GET",),
    "settings/sku-mapping/uploads/<int:pk>/apply/": ("POST",),
    "settings/sku-mapping/uploads/<int:pk>/discard/": ("POST",),
    "settings/sku-mapping/uploads/<int:pk>/report.csv": ("GET",),
    "settings/sku-mapping/unmatched/": ("GET",),
    "settings/sku-mapping/unmatched/accept/": ("POST",),
}
"""Every address of these pages and its methods; a new one without an entry fails."""


def ours() -> set[str]:
    """Return the patterns whose views live in orders and inventory."""

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> set[str]:
        found = set()
        for one in patterns:
            text = prefix + str(one.pattern)
            if isinstance(one, URLResolver):
                found |= walk(one.url_patterns, text)
            elif getattr(one.callback, "__module__", "").split(".")[0] in (
                "orders",
                "inventory",
            ) and not text.startswith("api/"):
                found.add(text)
        return found

    return walk(get_resolver().url_patterns, "")


def test_every_address_stands_in_the_walk() -> None:
    assert ours() == set(WALK)


def fill(pattern: str, order: int, other: int) -> str:
    """Return an address of a pattern, about an order or another row."""
    pk = order if pattern.startswith("orders/<int:pk>") else other
    return "/" + pattern.replace("<int:pk>", str(pk)).replace("<int:number>", "1").replace(
        "<str:what>", "anyway"
    ).replace("<int:archive>", "1").replace("<int:rule>", "1").replace("<str:link>", "none")


@pytest.mark.parametrize("pattern", sorted(WALK))
def test_a_stranger_gets_nothing_of_another_merchant(merchant: Cast, stranger: Cast, pattern: str) -> None:
    order = save_order(merchant, after=OUT_OF_STOCK)
    with tenancy.scope(merchant.id):
        view = SavedView.objects.create(merchant_id=merchant.id, name="Mine", query="q=1")
        row = mappings.save(store=merchant.store, account=None, seller_sku="SECRET-SKU", sku="X", actor="x").mapping
        alert = Alert.objects.create(merchant_id=merchant.id, kind="misplaced", key="1", level="wait")
    client = Client()
    client.force_login(stranger.user)
    other = view.pk if "views" in pattern else alert.pk if "alerts" in pattern else row.pk
    url = fill(pattern, order.pk, other)

    for method in WALK[pattern]:
        body = {
            "order": [order.pk],
            "mapping": [row.pk],
            "account": merchant.account.pk,
            "store_order": "1",
            "variant": "1",
        }
        answer = client.get(url) if method == "GET" else client.post(url, body)
        shown = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
        assert order.marketplace_order_id not in shown, (method, url)
        assert "SECRET-SKU" not in shown and merchant.account.name not in shown
        if "<int:pk>" in pattern:
            assert answer.status_code == 404, (method, url)
    with tenancy.scope(merchant.id):
        after = Order.objects.get(pk=order.pk)
        assert (after.export_state, after.reason_code) == ("held", "OUT_OF_STOCK")
        assert SavedView.objects.filter(pk=view.pk).exists() and Alert.objects.get().closed_at is None


@pytest.mark.parametrize("pattern", sorted(one for one in WALK if not one.startswith("customization/")))
def test_nobody_signed_in_is_sent_to_sign_in(db: None, pattern: str) -> None:
    answer = Client().get(fill(pattern, 1, 1))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")


class Reader(HTMLParser):
    """Collects what a screen reader needs: headings, landmarks, labels, names of controls, ids."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.labels: set[str] = set()
        self.inputs: list[dict[str, str]] = []
        self.inline: list[str] = []
        self.in_label = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        if "id" in given:
            self.ids[given["id"]] += 1
        if tag == "label":
            self.in_label += 1
            self.labels.add(given.get("for", ""))
        if tag in ("input", "select", "textarea") and given.get("type") != "hidden":
            self.inputs.append(given | {"wrapped": "yes" if self.in_label else ""})
        if "style" in given or any(name.startswith("on") for name in given) or (tag == "script" and "src" not in given):
            self.inline.append(f"{tag} {given}")
        if tag in ("th",) and "scope" not in given:
            self.inline.append(f"th without scope {given}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self.in_label -= 1


def whole_pages(merchant: Cast) -> list[str]:
    """Return addresses of every whole page."""
    held = save_order(merchant, after=OUT_OF_STOCK)
    stored = save_order(merchant, after=in_store())
    return ["/", "/orders/", "/orders/?state=held&q=nobody", f"/orders/{held.pk}/", f"/orders/{stored.pk}/", "/orders/fetch/",
            f"/orders/{held.pk}/confirm/anyway/", f"/orders/{held.pk}/lines/1/change/", f"/orders/{held.pk}/address/",
            "/settings/sku-mapping/"]  # fmt: skip


def test_every_page_reads_well_without_eyes_and_without_inline_code(pages: Client, merchant: Cast) -> None:
    for url in whole_pages(merchant):
        answer = pages.get(url)
        reader = Reader()
        reader.feed(answer.content.decode())

        assert answer.status_code == 200, url
        assert reader.tags["h1"] == 1, (url, reader.tags["h1"])
        assert reader.tags["main"] == 1 and reader.tags["nav"] >= 1, url
        assert [name for name, count in reader.ids.items() if count > 1] == [], url
        nameless = [
            one
            for one in reader.inputs
            if not (one.get("aria-label") or one["wrapped"] or one.get("id", "-") in reader.labels)
        ]
        assert nameless == [], url
        assert reader.inline == [], url
        assert "style-src 'self';" in answer["Content-Security-Policy"], url
        assert len(answer.content) < 400_000


def test_no_page_names_the_machine_or_a_secret(pages: Client, merchant: Cast, settings: object) -> None:
    for url in whole_pages(merchant):
        page = pages.get(url).content.decode()
        assert "/work/" not in page and "Traceback" not in page, url


def test_errors_are_pages_of_ours(pages: Client, as_role: Callable[[str], Client]) -> None:
    lost = pages.get("/no/such/page/")
    wrong = pages.get("/orders/export/")

    assert lost.status_code == 404 and b"There is nothing here" in lost.content
    assert wrong.status_code == 405
    refused = as_role("viewer").post("/orders/check/")
    assert refused.status_code == 403 and b"This needs the role Manager" in refused.content


def test_a_form_without_its_protection_is_refused_with_a_sentence(merchant: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(merchant.user)

    answer = client.post("/orders/check/")

    assert answer.status_code == 403
    assert b"reload the page and send it again" in answer.content
