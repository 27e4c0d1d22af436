"""Seller Central's order page, which a link on our order page leads to."""

from __future__ import annotations

from typing import Any

import requests


def test_it_shows_the_order_and_says_when_there_is_none(sandbox: Any) -> None:
    body = {"lines": [{"sku": "NP-SOC-M", "quantity": 2}]}
    (reference,) = sandbox.control("POST", "/accounts/amazon/A1NORTHPINEUS/orders", body)["ids"]
    base = f"{sandbox.url}/amazon/sellercentral/na/orders-v3/order"

    page = requests.get(f"{base}/{reference}", timeout=10)
    other_region = requests.get(f"{sandbox.url}/amazon/sellercentral/eu/orders-v3/order/{reference}", timeout=10)
    unknown = requests.get(f"{base}/111-0000000-0000000", timeout=10)

    assert page.status_code == 200
    assert reference in page.text
    assert "NP-SOC-M" in page.text
    assert (other_region.status_code, unknown.status_code) == (404, 404)
