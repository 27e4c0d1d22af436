"""Pages speak of the merchant's own platforms only: a store's page names no competing store, FBA is Amazon's word."""

from __future__ import annotations

import html
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from accounts.models import AccountRoute, MarketplaceAccount, Merchant, Store, StorePerson
from connectors import registry
from connectors.contract.types import FulfilledBy, PersonalDetails, Withheld
from orders import log_words, reasons
from orders.models import Order
from salestio import tenancy
from tests import canaries
from tests.canaries import Planted
from tests.factories import Cast, amazon_line, make_merchant
from tests.pages.conftest import OUT_OF_STOCK, save_order
from tests.test_doors import names_of
from tests.test_walk import WALK

pytestmark = pytest.mark.django_db

OTHER = {"shopify": "bigcommerce", "bigcommerce": "shopify"}
NAMES_BOTH = {"stores/add/"}
"""Where an owner chooses a store platform, outside of any store's admin."""
FORMS_ONLY = {405}


@pytest.fixture(params=["bigcommerce", "shopify"])
def planted(request: pytest.FixtureRequest, db: None, redis_url: str) -> Planted:
    """A merchant of each store platform, with something in every table."""
    found = canaries.plant(make_merchant(storefront=request.param))
    if request.param == "bigcommerce":
        # The planted words are a Shopify store's: its address here, its ids in the order that is in the store.
        with tenancy.scope(found.cast.id):
            Store.objects.update(domain="vexillum-canary.example")
            Order.objects.exclude(store_order_id="").update(store_order_id="4711", store_order_name="4711")
    return found


@pytest.fixture
def shop(db: None) -> Cast:
    """A merchant with a BigCommerce store."""
    return make_merchant("Lumen & Loom", storefront="bigcommerce")


def owner(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.user)
    return client


def sell_on(cast: Cast, platform: str, *, sites: tuple[str, ...] = ("US",)) -> None:
    """Let the cast's account be one of another marketplace."""
    with tenancy.scope(cast.id):
        MarketplaceAccount.objects.filter(pk=cast.account.pk).update(platform=platform, region="", sites=list(sites))
        cast.account.refresh_from_db()
    AccountRoute.objects.filter(account_ref=cast.account.pk).update(platform=platform, region="")


def order_on(cast: Cast, platform: str, **more: Any) -> Order:
    """Import one order of that marketplace."""
    after = more.pop("after", {})
    made = save_order(cast, amazon_line("LL-CDL-8-FIG"), **more)
    with tenancy.scope(cast.id):
        Order.objects.filter(pk=made.pk).update(platform=platform, **after)
        return Order.objects.get(pk=made.pk)


def text_of(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


# ── no competing store platform ──────────────────────────────────────────────────────────────────────────────────────


def test_no_page_of_a_merchant_names_the_other_store_platform(planted: Planted) -> None:
    other = OTHER[planted.cast.store.platform]
    names = names_of(planted) | {"forged": "x", "signed": "", "shop": "x", "merchant": str(planted.cast.id)}
    browser = owner(planted.cast)
    looked, wrong = 0, []
    for pattern, way in WALK.items():
        if way.open or pattern in NAMES_BOTH or pattern.startswith(("admin/", "api/")):
            continue
        answer: Any = browser.get(way.path.format_map(names))
        if answer.status_code in FORMS_ONLY:
            continue
        looked += 1
        body = b"".join(answer.streaming_content) if getattr(answer, "streaming", False) else answer.content
        at = body.lower().find(other.encode())
        if at >= 0:
            wrong.append((way.path, body[max(at - 80, 0) : at + 60]))
    assert wrong == []
    assert looked > 20


@pytest.mark.parametrize("state", ["held", "waiting", "unknown"])
def test_no_reason_names_the_other_store_platform(shop: Cast, state: str) -> None:
    browser = owner(shop)
    order = order_on(shop, "ebay")
    for code in reasons.REASONS:
        with tenancy.scope(shop.id):
            Order.objects.filter(pk=order.pk).update(export_state=state, reason_code=code, reason_data={"skus": ["X"]})
        for path in (f"/orders/{order.pk}/", "/orders/live/?ids=" + str(order.pk)):
            page = browser.get(path).content.decode()
            assert "shopify" not in page.lower(), (code, path)


@pytest.mark.parametrize("platform", ["ebay", "etsy"])
@pytest.mark.parametrize("part", ["title", "sentence", "cure", "store_text"])
def test_no_words_of_amazon_stand_in_reasons_of_other_marketplaces(platform: str, part: str) -> None:
    for code in reasons.REASONS:
        said = reasons.sentence(code, {"platform": platform, "store_platform": "bigcommerce"}, part=part)
        assert not re.search(r"Amazon|FBA|FBM|Shopify", said), (code, said)


def test_no_line_of_the_log_names_another_platform() -> None:
    for code in [*log_words.SENTENCES, *reasons.REASONS]:
        event: Any = SimpleNamespace(code=code, data={}, at=None, actor="", attempt=0)
        line = log_words.line(event, "etsy", "bigcommerce")
        assert not re.search(r"Amazon|FBA|Shopify|eBay", line.text + line.detail), code


def test_add_store_offers_both_and_a_frame_only_its_own(shop: Cast) -> None:
    from accounts.frame import FrameClaims, mint

    with tenancy.scope(shop.id):
        StorePerson.objects.create(store=shop.store, remote_id="1", email="owner@lumen.example", owner=True)
    token = mint(FrameClaims("bigcommerce", shop.store.key, "1", owner=True))

    both = text_of(owner(shop).get("/stores/add/"))
    framed = Client().get("/stores/add/", headers={"Authorization": f"Bearer {token}"}).content.decode()

    assert "BigCommerce" in both and "Shopify" in both
    assert "BigCommerce" in framed and "shopify" not in framed.lower()


# ── the marketplace's own words ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("platform", "word"), [("amazon", "Merchant (FBM)"), ("ebay", "You"), ("etsy", "You")])
def test_who_ships_is_said_in_the_marketplaces_words(shop: Cast, platform: str, word: str) -> None:
    order = order_on(shop, platform)

    page = text_of(owner(shop).get(f"/orders/{order.pk}/"))

    assert f"Fulfilled by {word}" in page
    assert ("FBM" in page) == (platform == "amazon")


def test_an_order_ebay_ships_itself_is_not_called_fba(shop: Cast) -> None:
    sell_on(shop, "ebay")
    order = order_on(
        shop, "ebay", fulfilled_by=FulfilledBy.MARKETPLACE,
        after={"export_state": "skipped", "reason_code": "FBA_FILTERED", "programs": ["FULFILLED_BY_EBAY"]},
    )  # fmt: skip
    browser = owner(shop)

    page = text_of(browser.get(f"/orders/{order.pk}/"))
    rows = text_of(browser.get("/orders/?placed=all"))

    assert "Fulfilled by eBay" in page and "Shipped by eBay" in page
    assert "Orders eBay ships itself are not created (your setting)" in page
    assert "eBay's warehouse ships this order" in page
    assert "FBA" not in page
    assert "FBA Order" not in rows and "FBA orders" not in rows


@pytest.mark.parametrize(("platform", "offered"), [("amazon", True), ("ebay", False), ("etsy", False)])
def test_the_fba_view_and_the_choice_of_fba_are_for_those_who_sell_on_amazon(
    shop: Cast, platform: str, offered: bool
) -> None:
    sell_on(shop, platform)
    browser = owner(shop)

    assert ("FBA" in text_of(browser.get("/orders/"))) is offered
    assert ("FBA" in text_of(browser.get(f"/settings/accounts/{shop.account.pk}/"))) is offered


def test_a_choice_that_is_not_for_a_marketplace_does_not_stop_its_orders(shop: Cast) -> None:
    from accounts import preferences

    sell_on(shop, "etsy", sites=("ETSY",))
    with tenancy.scope(shop.id):
        Merchant.objects.filter(pk=shop.id).update(settings={"order_type": "marketplace"})
        account = MarketplaceAccount.objects.select_related("merchant").get(pk=shop.account.pk)

        assert preferences.for_order(account, Store.objects.get()).order_type == "merchant"


def test_what_a_program_asks_of_the_packer_stands_on_the_order(shop: Cast) -> None:
    order = order_on(shop, "ebay", after={"programs": ["GLOBAL_SHIPPING"], "service_level": "USPSGroundAdvantage"})

    page = text_of(owner(shop).get(f"/orders/{order.pk}/"))

    assert "Global Shipping Program. Ship it to the address under Buyer" in page
    assert "Service USPS Ground Advantage" in page


def test_an_address_the_marketplace_keeps_to_itself_says_where_it_is_and_where_it_goes(shop: Cast) -> None:
    sell_on(shop, "etsy", sites=("ETSY",))
    order = order_on(
        shop, "etsy", personal=PersonalDetails(buyer_name="Percy Stirling"), withheld=(Withheld.ADDRESS,),
        after={"export_state": "held", "reason_code": "ADDRESS_WITHHELD", "reason_data": {}},
    )  # fmt: skip
    browser = owner(shop)

    page = browser.get(f"/orders/{order.pk}/")

    assert "Etsy does not give this app the address." in text_of(page)
    assert "Not in your store yet: the address is yours to add" in text_of(page)
    assert re.search(r'id="why-button"[^>]*>Enter the address', page.content.decode())
    assert "enter it here, and your store gets it" in text_of(page)
    assert "Etsy withholds the address" in text_of(browser.get("/orders/?placed=all"))


def test_an_address_that_is_missing_in_the_store_is_to_be_entered_there(shop: Cast) -> None:
    sell_on(shop, "etsy", sites=("ETSY",))
    order = order_on(
        shop, "etsy", personal=PersonalDetails(buyer_name="Percy Stirling"), withheld=(Withheld.ADDRESS,),
        after={"export_state": "created", "store_order_id": "134", "store_order_name": "134"},
    )  # fmt: skip

    page = text_of(owner(shop).get(f"/orders/{order.pk}/"))

    assert "has the order without it, so enter it there" in page and "enter it here" not in page


def test_a_store_that_takes_nothing_beyond_its_stock_says_so_before_create_anyway(shop: Cast) -> None:
    order = order_on(shop, "ebay", after=OUT_OF_STOCK)
    browser = owner(shop)
    asked = [text_of(browser.get(f"/orders/{order.pk}/{rest}")) for rest in ("", "confirm/anyway/")]

    assert ["BigCommerce itself takes no order beyond its stock" in page for page in asked] == [True, True]


def test_a_cure_that_lies_in_the_settings_has_its_button(shop: Cast) -> None:
    order = order_on(
        shop, "etsy",
        after={"export_state": "held", "reason_code": "OPTIONS_MISSING", "reason_data": {"names": ["Engraving"]}},
    )  # fmt: skip
    browser = owner(shop)

    page = browser.get(f"/orders/{order.pk}/").content.decode()

    found = re.search(r'id="why-button" href="([^"]+)">Open settings', page)
    assert found and found.group(1) == f"/settings/stores/{shop.store.pk}/"
    assert "Fill mandatory product options" in browser.get(found.group(1)).content.decode()


# ── Etsy's terms, Etsy's accounts ────────────────────────────────────────────────────────────────────────────────────


def test_etsys_notice_stands_where_etsys_data_is_shown_and_where_etsy_is_offered(shop: Cast) -> None:
    notice = registry.platform("etsy").notice
    browser = owner(shop)

    assert notice not in text_of(browser.get("/orders/"))
    assert notice in text_of(browser.get("/accounts/add/"))
    sell_on(shop, "etsy", sites=("ETSY",))
    for path in (
        "/",
        "/orders/",
        "/accounts/",
        f"/accounts/{shop.account.pk}/",
        f"/settings/accounts/{shop.account.pk}/",
    ):
        assert text_of(browser.get(path)).count(notice) == 1, path


def test_an_etsy_account_shows_no_sites_and_is_renamed_without_asking_etsy_again(shop: Cast) -> None:
    sell_on(shop, "etsy", sites=("ETSY",))
    browser = owner(shop)

    assert "ETSY" not in text_of(browser.get("/accounts/"))
    assert "Sites" not in text_of(browser.get(f"/accounts/{shop.account.pk}/"))
    saved = browser.post(f"/accounts/{shop.account.pk}/", {"name": "Lumen on Etsy", "save": "1"})

    assert (saved.status_code, saved["Location"]) == (302, "/accounts/")
    with tenancy.scope(shop.id):
        account = MarketplaceAccount.objects.get(pk=shop.account.pk)
        assert (account.name, account.sites) == ("Lumen on Etsy", ["ETSY"])


def test_people_of_the_store_stand_on_the_members_page(shop: Cast) -> None:
    with tenancy.scope(shop.id):
        StorePerson.objects.create(store=shop.store, remote_id="1", email="owner@lumen.example", owner=True)
        StorePerson.objects.create(store=shop.store, remote_id="7", email="ada@lumen.example")

    page = text_of(owner(shop).get("/settings/members/"))

    assert "People of your store" in page
    assert "owner@lumen.example No. 1" in page and "ada@lumen.example No. 7" in page
    assert "People of your store" not in text_of(owner(make_merchant("Other")).get("/settings/members/"))


def test_an_uninstalled_store_is_installed_again_from_its_own_app_market(shop: Cast) -> None:
    from accounts import connections

    with tenancy.scope(shop.id):
        Store.objects.update(state="disabled", state_reason="uninstalled")
    browser = owner(shop)

    page = browser.get("/accounts/").content.decode()
    gone = browser.post("/stores/add/", {"platform": "bigcommerce"})

    assert '<input type="hidden" name="platform" value="bigcommerce">' in page
    assert gone["Location"] == connections.app_market_page("bigcommerce")
