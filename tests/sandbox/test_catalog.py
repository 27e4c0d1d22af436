"""The demo's goods: the same at every start, and with everything in them that a newcomer should meet."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest

from connectors.sandbox import catalog
from connectors.sandbox.platforms import FOLDERS
from tests.conftest import ROOT

MARKETS = tuple(name for name in FOLDERS if catalog.sellers(name))
SELLERS = [seller for platform in MARKETS for seller in catalog.sellers(platform)]


def _id(seller: dict[str, Any]) -> str:
    return str(seller["key"])


def _variants(merchant: str) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    store = catalog.store_of(merchant)
    assert store is not None
    return {variant["sku"]: (product, variant) for product in store["products"] for variant in product["variants"]}


def test_two_processes_begin_alike() -> None:
    code = (
        "from connectors.sandbox import catalog as c, platforms as p; import hashlib, json; "
        "print(hashlib.sha256(json.dumps([c.stores(), *map(c.sellers, p.FOLDERS)]).encode()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=30,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(found) == 1


def test_every_store_and_seller_is_on_a_platform_and_has_a_key_of_its_own() -> None:
    rows = [*catalog.stores(), *SELLERS]

    assert {row["platform"] for row in rows} == set(FOLDERS)
    assert len({row["key"] for row in rows}) == len(rows)
    assert catalog.seller("ebay", "NOBODY") is None and catalog.store_of("") is None
    assert catalog.sellers("bazaar") == []


@pytest.mark.parametrize("seller", SELLERS, ids=_id)
def test_each_listing_is_told_apart_and_has_a_price_on_every_site(seller: dict[str, Any]) -> None:
    rows = seller["listings"]
    skus = [row["sku"] for row in rows if row["sku"]]
    numbers = [(row["item_id"], row["variation_id"]) for row in rows]

    assert len(set(skus)) == len(skus) and len(set(numbers)) == len(numbers)
    for row in rows:
        assert set(row["prices"]) == set(seller["sites"])
        assert all(Decimal(price) > 0 for price in row["prices"].values()), row
        assert row["sku"] or seller["platform"] != "amazon"
    # A listing without variations has no siblings.
    single = [row["item_id"] for row in rows if not row["variation_id"]]
    assert len(set(single)) == len(single)


@pytest.mark.parametrize("seller", [row for row in SELLERS if row["merchant"]], ids=_id)
def test_a_listings_kind_says_what_the_store_has_of_it(seller: dict[str, Any]) -> None:
    known = _variants(seller["merchant"])
    for row in seller["listings"]:
        if row["kind"] == "missing":
            assert row["store_sku"] == "" and row["sku"] not in known
            continue
        product, variant = known[row["store_sku"]]
        assert row["hidden"] == (not product["visible"]) and row["needs_options"] == bool(product["modifiers"])
        if row["kind"] == "title":
            assert row["sku"] not in known
            assert row["title"].startswith(product["title"])
            assert row["variation"] in ({}, variant["options"])
        if row["kind"] == "scarce":
            assert variant["tracked"] and sum(variant["stock"]) <= 1
        if row["kind"] == "fba":
            assert seller["platform"] == "amazon" and row["fulfilled_by"] == "marketplace"


def test_each_marketplace_of_the_third_merchant_shows_what_is_odd_about_it() -> None:
    ebay, etsy = catalog.seller("ebay", "EBLUMEN5Q"), catalog.seller("etsy", "51230077")
    assert ebay is not None and etsy is not None

    assert (ebay["currency"], ebay["sites"]) == ("USD", ["US", "UK"])
    assert (etsy["currency"], etsy["sites"]) == ("EUR", ["ETSY"])
    nameless = [row for row in ebay["listings"] if not row["sku"]]
    assert {bool(row["variation_id"]) for row in nameless} == {True, False}
    assert any(row["digital"] for row in etsy["listings"]) and not any(row["digital"] for row in ebay["listings"])
    asked = [question for row in etsy["listings"] for question in row["personalization"]]
    assert {question["required"] for question in asked} == {True, False}


def test_the_third_merchants_store_has_a_product_of_every_difficult_kind() -> None:
    (store,) = (row for row in catalog.stores("bigcommerce") if row["merchant"])
    products, variants = store["products"], [v for product in store["products"] for v in product["variants"]]

    assert len(products) >= 40 and len(variants) >= 90
    assert [product["title"] for product in products if not product["visible"]] == ["Workshop Second: Table Lamp"]
    modifiers = [modifier for product in products for modifier in product["modifiers"]]
    assert [(m["kind"], m["required"], bool(m["values"])) for m in modifiers] == [
        ("text", True, False),
        ("choice", True, True),
    ]
    assert len([v for v in variants if v["tracked"] and sum(v["stock"]) <= 1]) >= 3
    assert [v["sku"] for v in variants if not v["requires_shipping"]] == ["LL-PAT-D"]
    assert [v["sku"] for v in variants if not v["tracked"] and v["requires_shipping"]] == ["LL-OFC"]


def test_the_orders_to_meet_first_name_sellers_and_kinds_there_are() -> None:
    for wanted in catalog.first_orders():
        seller = catalog.seller(wanted["platform"], wanted["key"])
        assert seller is not None
        kinds = {row["kind"] for row in seller["listings"]}
        kinds |= {"personalized"} if any(row["personalization"] for row in seller["listings"]) else set()
        kinds |= {"digital"} if any(row["digital"] for row in seller["listings"]) else set()
        assert wanted["kind"] in kinds
