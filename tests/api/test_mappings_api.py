"""SKU mappings through the REST API: plain ones as before, multipacks and bundles beside them."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.models import SkuMapping
from salestio import tenancy
from tests.api.conftest import Program
from tests.factories import Cast

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("body", "sku", "quantity", "parts"),
    [
        ({"sku": "NP-1"}, "NP-1", 1, [("NP-1", 1)]),
        ({"sku": "NP-1", "quantity": 6}, "NP-1", 6, [("NP-1", 6)]),
        ({"parts": [{"sku": "NP-1", "quantity": 2}, {"sku": "NP-2"}]}, "NP-1", 2, [("NP-1", 2), ("NP-2", 1)]),
    ],
)
def test_a_mapping_is_one_product_a_pack_or_a_bundle(
    api: Program, merchant: Cast, body: dict[str, Any], sku: str, quantity: int, parts: list[tuple[str, int]]
) -> None:
    made = api.call("POST", "/sku-mappings", {"seller_sku": "KIT"} | body)

    assert made.status_code == 201
    row = made.json()
    assert (row["sku"], row["quantity"]) == (sku, quantity)
    assert [(part["sku"], part["quantity"]) for part in row["parts"]] == parts
    assert api.get(f"/sku-mappings/{row['id']}") == row
    assert api.get("/sku-mappings?q=NP-")["results"] == [row]
    with tenancy.scope(merchant.id):
        assert SkuMapping.objects.get().target == tuple(parts)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sku": "A", "quantity": 0},
        {"sku": "A", "quantity": 10_000},
        {"parts": []},
        {"parts": [{"quantity": 2}]},
        {"parts": [{"sku": "A", "quantity": -1}]},
        {"sku": "A", "parts": [{"sku": "B"}]},
        {"parts": [{"sku": f"P{number}"} for number in range(21)]},
    ],
)
def test_a_mapping_to_nothing_or_to_no_real_quantity_is_refused(
    api: Program, merchant: Cast, body: dict[str, Any]
) -> None:
    assert api.call("POST", "/sku-mappings", {"seller_sku": "KIT"} | body).status_code == 422
    with tenancy.scope(merchant.id):
        assert not SkuMapping.objects.exists()
