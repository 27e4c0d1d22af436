"""Refusals in every form BigCommerce gives them become the right error, with its words verbatim."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.bigcommerce.errors import CustomerRefused, error_of
from connectors.contract.errors import (
    AccessDenied,
    AddressRejected,
    ConnectorError,
    NotFound,
    OptionsMissing,
    OutOfStock,
    Rejected,
    TransientError,
)
from connectors.http import Reply

STOCK_WORDS = "Quantities of one or more products are out of stock or did not meet quantity requirements."


def refused(status: int, body: Any) -> ConnectorError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_of(Reply(status, {}, raw, 0.1, "bigcommerce", "createOrder", True))


def of_types(*errors: dict[str, Any], message: str = STOCK_WORDS, status: int = 409) -> ConnectorError:
    return refused(status, [{"status": status, "message": message, "details": {"errors": list(errors)}}])


def test_out_of_stock_names_product_sku_and_what_is_left() -> None:
    error = of_types(
        {"type": "OutOfStock", "product": {"id": 102, "name": "Lamp", "sku": {"sku": "LL-LAMP", "inventory_level": 1}}}
    )

    assert isinstance(error, OutOfStock)
    assert error.code == "OutOfStock"
    assert error.fields == ("Lamp (LL-LAMP)",)
    assert error.texts == (STOCK_WORDS, "OutOfStock: Lamp (LL-LAMP), 1 left")


@pytest.mark.parametrize("kind", ["ExceedsMaxQuantity", "InsufficientQuantity"])
def test_a_missed_order_quantity_is_not_out_of_stock_although_the_message_says_so(kind: str) -> None:
    error = of_types({"type": kind, "product": {"id": 104, "name": "Socks"}})

    assert isinstance(error, Rejected)
    assert not isinstance(error, OutOfStock)
    assert error.code == kind
    assert f"{kind}: Socks" in error.message


def test_out_of_stock_without_details_is_known_by_its_words() -> None:
    assert isinstance(refused(409, [{"status": 409, "message": STOCK_WORDS}]), OutOfStock)


def test_missing_options_are_named() -> None:
    error = of_types(
        {
            "type": "MandatoryProductOptions",
            "product": {
                "id": 102,
                "name": "Lamp",
                "required_product_options": [{"id": 1, "display_name": "Engraving"}],
            },
        },
        message="The options of one or more products are invalid.",
        status=400,
    )

    assert isinstance(error, OptionsMissing)
    assert error.code == "MandatoryProductOptions"
    assert error.fields == ("Engraving",)


@pytest.mark.parametrize("kind", ["InvalidProductOption", "InvalidProductOptionValue"])
def test_a_wrong_option_is_rejected_with_its_type(kind: str) -> None:
    error = of_types({"type": kind, "product": {"id": 102, "name": "Lamp"}}, status=400)

    assert type(error) is Rejected
    assert error.code == kind


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("The field 'billing_address' is invalid.", AddressRejected),
        ("The field 'shipping_address' is invalid.", AddressRejected),
        ("The field 'state' does not allow null values.", AddressRejected),
        ("The field 'customer_id' is invalid.", CustomerRefused),
        ("The required field 'products' was not supplied.", Rejected),
    ],
)
def test_a_refused_field_is_known_by_its_words(words: str, kind: type[Rejected]) -> None:
    error = refused(400, [{"status": 400, "message": words}])

    assert type(error) is kind
    assert isinstance(error, Rejected)
    assert error.texts == (words,)
    assert error.fields == (words.split("'")[1],)


def test_a_suspended_store_is_no_fault_of_the_order() -> None:
    words = "The store is suspended. This may be due to an administrative action, or due to a billing issue."

    assert type(refused(403, [{"status": 403, "message": words}])) is TransientError


@pytest.mark.parametrize(
    ("status", "kind"), [(403, AccessDenied), (404, NotFound), (402, TransientError), (423, TransientError)]
)
def test_a_status_that_says_enough_decides(status: int, kind: type[ConnectorError]) -> None:
    assert type(refused(status, {"status": status, "title": "No."})) is kind


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        pytest.param("No such thing", ("No such thing",), id="a text"),
        pytest.param(["One", "Two"], ("One", "Two"), id="a list of texts"),
        pytest.param({"title": "Bad", "errors": {"sku": "is taken"}}, ("Bad: is taken",), id="an object of V3"),
        pytest.param({"errors": ["One", {"message": "Two"}]}, ("One", "Two"), id="errors as a list"),
        pytest.param(
            [{"status": 400, "message": "The field 'x' is invalid.", "details": {"invalid_reason": "Too long."}}],
            ("The field 'x' is invalid. Too long.",),
            id="a reason of its own",
        ),
        pytest.param(b"<html>", ("The store gave no reason",), id="no JSON"),
        pytest.param(b"[" * 5000, ("The store gave no reason",), id="JSON too deep"),
        pytest.param({}, ("The store gave no reason",), id="nothing"),
    ],
)
def test_words_are_kept_whatever_the_form(body: Any, texts: tuple[str, ...]) -> None:
    error = refused(422, body)

    assert isinstance(error, Rejected)
    assert error.texts == texts
    assert error.status == 422


@pytest.mark.contract
def test_the_known_refusals_are_understood(specs: Path) -> None:
    known = json.loads((specs / "bigcommerce/order_create_errors.json").read_text())

    stock = refused(known["out_of_stock"]["http_status"], known["out_of_stock"]["body"])
    options = refused(known["options"]["http_status"], known["options"]["body"])

    assert isinstance(stock, OutOfStock)
    assert len(stock.texts) == 5
    assert isinstance(options, OptionsMissing)
    assert options.fields == ("Colour",)
    for words in known["other_messages_seen"]:
        assert isinstance(refused(400, [{"status": 400, "message": words}]), Rejected | TransientError)
