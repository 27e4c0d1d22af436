"""The pretend Amazon Custom: a ZIP behind a link that opens it for a while."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
import requests

from tests.sandbox.conftest import SKU, Seller

WISH = {"text": "For Ada & Bo", "font": "Georgia", "color": "Navy", "options": {"Size": "Large"}, "picture": "dog.png"}


def link_of(seller: Seller, order_id: str) -> str:
    """Return the link in the order, as it is told now."""
    product = seller.order(order_id)["orderItems"][0]["product"]
    return str(product["customization"]["customizedUrl"])


@pytest.fixture
def order_id(seller: Seller) -> str:
    return seller.place(lines=[{"sku": SKU, "customization": WISH}])[0]


def test_the_zip_holds_a_document_in_both_forms_a_preview_and_the_buyers_picture(seller: Seller, order_id: str) -> None:
    answer = requests.get(link_of(seller, order_id), timeout=10)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        (document,) = (json.loads(archive.read(name)) for name in names if name.endswith(".json"))
        pictures = [archive.read(name) for name in names if name.endswith(".png")]
    (area, option) = document["version3.0"]["customizationInfo"]["surfaces"][0]["areas"]
    assert (area["text"], area["fontFamily"], area["colorName"]) == ("For Ada & Bo", "Georgia", "Navy")
    assert option["optionValue"] == "Large"
    assert "dog.png" in json.dumps(document["customizationData"])
    assert document["orderId"] == order_id
    assert len(pictures) == 2 and all(picture.startswith(b"\x89PNG") for picture in pictures)


def test_a_link_ends_after_ten_minutes_and_the_order_gives_a_fresh_one(seller: Seller, order_id: str) -> None:
    old = link_of(seller, order_id)
    seller.sandbox.control("POST", "/clock", {"advance_seconds": 601})
    seller.sign_in()

    refused = requests.get(old, timeout=10)
    fresh = link_of(seller, order_id)

    assert (refused.status_code, refused.headers["Content-Type"].split(";")[0]) == (403, "text/html")
    assert fresh != old and requests.get(fresh, timeout=10).status_code == 200


def test_a_changed_link_opens_nothing(seller: Seller, order_id: str) -> None:
    other = seller.place(customization=True)[0]
    link, others = link_of(seller, order_id), link_of(seller, other)
    path, _, query = link.partition("?")

    for changed in (path, f"{path}?expires=9999999999999&{query.partition('&')[2]}", f"{path}?{others.partition('?')[2]}",
                    f"{path}?expires=x&signature=y"):  # fmt: skip
        assert requests.get(changed, timeout=10).status_code == 403


def test_a_fault_strikes_the_download_alone(seller: Seller, order_id: str) -> None:
    fault: dict[str, Any] = {
        "platform": "amazon", "operation": "downloadCustomization", "kind": "status", "params": {"code": 503}, "count": 1,
    }  # fmt: skip
    link = link_of(seller, order_id)
    seller.sandbox.control("POST", "/faults", fault)

    assert [requests.get(link, timeout=10).status_code for _ in range(2)] == [503, 200]
