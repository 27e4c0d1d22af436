"""Settings → store → Routing: rules are written, ordered and tried on real orders before they are saved."""

from __future__ import annotations

import pytest
from django.test import Client

from inventory.models import Location, Variant
from orders.models import OrderLine, RoutingRule
from salestio import tenancy
from tests.factories import Cast
from tests.pages.conftest import save_order
from tests.pages.test_orders_page import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(merchant: Cast) -> str:
    return f"/settings/stores/{merchant.store.pk}/routing/"


@pytest.fixture
def reno(merchant: Cast) -> str:
    """A location of the store; its id as the form has it."""
    with tenancy.scope(merchant.id):
        made = Location.objects.create(
            merchant_id=merchant.id, store=merchant.store, remote_id="gid://shopify/Location/77", name="Reno Outlet"
        )
    return str(made.pk)


def rules(merchant: Cast) -> list[tuple[str, bool]]:
    with tenancy.scope(merchant.id):
        return list(RoutingRule.objects.order_by("position").values_list("name", "active"))


def test_without_rules_the_page_says_what_happens_now(pages: Client, url: str) -> None:
    text = text_of(pages.get(url))

    assert "No rules yet" in text
    assert "the store decides" in text


def test_a_rule_is_saved_said_in_words_and_can_be_edited(pages: Client, merchant: Cast, url: str, reno: str) -> None:
    body = {
        "name": "Germany",
        "location": reno,
        "countries": "de, Austria",
        "skus": "NP-*",
        "needs_stock": "on",
        "save": "1",
    }
    text = text_of(pages.post(url, body, follow=True))
    assert "Germany saved" in text
    assert "Ships to Austria, Germany · SKU NP-* · All units are there" in text

    with tenancy.scope(merchant.id):
        rule = RoutingRule.objects.get()
    assert rule.conditions == {"countries": ["AT", "DE"], "skus": ["NP-*"], "needs_stock": True}
    pages.post(url, body | {"rule": str(rule.pk), "name": "Germany and Austria"})
    assert rules(merchant) == [("Germany and Austria", True)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "Give the rule a name"),
        ({"location": ""}, "Choose one of the active locations"),
        ({"countries": "Atlantis"}, "Atlantis is no country"),
        ({"accounts": "999999"}, "Choose accounts whose orders go to this store"),
        ({"location": "store", "needs_stock": "on"}, "Stock can be asked for at a location only"),
    ],
)
def test_bad_input_is_named_and_nothing_is_saved(
    pages: Client, merchant: Cast, url: str, reno: str, change: dict[str, str], words: str
) -> None:
    answer = pages.post(url, {"name": "R", "location": reno, "save": "1"} | change)

    assert answer.status_code == 422
    assert words in text_of(answer)
    assert rules(merchant) == []


def test_rules_change_places_are_switched_off_and_deleted(pages: Client, merchant: Cast, url: str, reno: str) -> None:
    for name in ("One", "Two"):
        pages.post(url, {"name": name, "location": reno, "save": "1"})
    with tenancy.scope(merchant.id):
        two = RoutingRule.objects.get(name="Two").pk

    pages.post(f"{url}{two}/", {"do": "up"})
    assert rules(merchant) == [("Two", True), ("One", True)]
    pages.post(f"{url}{two}/", {"do": "off"})
    assert rules(merchant) == [("Two", False), ("One", True)]
    pages.post(f"{url}{two}/", {"do": "delete"})
    assert rules(merchant) == [("One", True)]


def test_the_preview_shows_which_orders_would_move_and_saves_nothing(
    pages: Client, merchant: Cast, url: str, reno: str
) -> None:
    order = save_order(merchant)
    left_out = save_order(merchant)
    with tenancy.scope(merchant.id):
        mug = Variant.objects.create(merchant_id=merchant.id, store=merchant.store, remote_id="1", product_id="1")
        OrderLine.objects.filter(order=order).update(variant_id=mug.pk)

    text = text_of(pages.post(url, {"name": "All", "location": reno, "preview": "1"}))

    assert "1 order of the last 30 days, on today's stock; 1 other that take nothing" in text
    assert left_out.marketplace_order_id not in text
    assert f"{order.marketplace_order_id} : Store decides → Reno Outlet" in text
    assert "1 order would be served from elsewhere" in text
    assert rules(merchant) == []


def test_a_viewer_may_look_and_try_but_not_save(merchant: Cast, url: str, reno: str, as_role: object) -> None:
    viewer = as_role("viewer")  # type: ignore[operator]

    assert viewer.get(url).status_code == 200
    assert viewer.post(url, {"name": "R", "location": reno, "preview": "1"}).status_code == 200
    assert viewer.post(url, {"name": "R", "location": reno, "save": "1"}).status_code == 404
    assert rules(merchant) == []


def test_a_location_that_is_gone_is_said_and_its_rule_passed_over(
    pages: Client, merchant: Cast, url: str, reno: str
) -> None:
    pages.post(url, {"name": "R", "location": reno, "save": "1"})
    with tenancy.scope(merchant.id):
        Location.objects.filter(pk=int(reno)).update(active=False)

    assert "not active any more: the rule is passed over" in text_of(pages.get(url))
