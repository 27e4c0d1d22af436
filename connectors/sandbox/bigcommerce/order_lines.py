"""The products of a new order: which variant each stands for, its options, its price; and V2's refusals of them.

All mistakes in options are told at once (400), then all shortages at once (409), each in the shape of
order_create_errors.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connectors.sandbox.bigcommerce import stock
from connectors.sandbox.bigcommerce.errors import Refused, invalid, missing
from connectors.sandbox.bigcommerce.order_input import amount, whole
from connectors.sandbox.bigcommerce.state import Doc, key_of

if TYPE_CHECKING:
    from connectors.sandbox.bigcommerce.face import Context

_CATALOG = frozenset(
    [
        "product_id",
        "name",
        "name_customer",
        "name_merchant",
        "product_options",
        "quantity",
        "price_inc_tax",
        "price_ex_tax",
        "upc",
        "variant_id",
        "wrapping_id",
        "wrapping_name",
        "wrapping_message",
        "wrapping_cost_ex_tax",
        "wrapping_cost_inc_tax",
        "sku",
    ]
)
_OPTIONS = "The options of one or more products are invalid."
_STOCK = "Quantities of one or more products are out of stock or did not meet quantity requirements."


def read(context: Context, given: Any) -> list[Doc]:
    """Return the lines of an order's `products`, checked against the catalog; changes nothing."""
    if not isinstance(given, list) or not given:
        raise missing("products")
    problems: list[Doc] = []
    lines = [_line(context, entry, n, problems) for n, entry in enumerate(given)]
    if problems:
        raise Refused(400, _OPTIONS, details={"errors": problems})
    return lines


def _line(context: Context, entry: Any, n: int, problems: list[Doc]) -> Doc:
    if not isinstance(entry, dict):
        raise invalid("products")
    for name in entry:
        if name not in _CATALOG:
            raise Refused(400, f"The field '{name}' is not supported by this resource.")
    if "quantity" not in entry:
        raise missing("quantity")
    line: Doc = {
        "product_id": 0,
        "variant_id": 0,
        "quantity": whole(entry["quantity"], "quantity", 1, 1_000_000),
        "type": "physical",
        "weight": 0,
        "product_options": [],
        "taken": {},
        "promised": 0,
        "shipped": 0,
        "refunded": 0,
        "back": 0,
    }
    for name in ("name", "name_customer", "name_merchant", "upc", "sku"):
        if name in entry and not isinstance(entry[name], str):
            raise invalid(name)
    price = _price(entry)
    if entry.get("product_id"):
        return _catalog_line(context, entry, line, price, problems)
    if not entry.get("name"):
        raise missing("name")
    if price is None:
        raise missing("price_inc_tax")
    names = {name: entry.get(name) or entry["name"] for name in ("name", "name_customer", "name_merchant")}
    return {**line, **names, "sku": entry.get("sku", ""), "upc": entry.get("upc", ""), "price": price, "brand": ""}


def _price(entry: Doc) -> Doc | None:
    """Read a price of the client's own: both or neither."""
    given = [name for name in ("price_ex_tax", "price_inc_tax") if name in entry]
    if not given:
        return None
    if len(given) == 1:
        raise missing("price_inc_tax" if given[0] == "price_ex_tax" else "price_ex_tax")
    ex, inc = amount(entry["price_ex_tax"], "price_ex_tax"), amount(entry["price_inc_tax"], "price_inc_tax")
    if inc < ex:
        raise invalid("price_inc_tax")
    return {"ex": str(ex), "inc": str(inc)}


def _catalog_line(context: Context, entry: Doc, line: Doc, price: Doc | None, problems: list[Doc]) -> Doc:
    product = context.state.products.get(key_of(context.hash, whole(entry["product_id"], "product_id", 1)))
    if product is None:
        raise invalid("product_id")
    given = _given_options(entry)
    variant = _variant(context, entry, product, given, problems)
    chosen = _options(context, product, variant, given, problems)
    if variant is None:
        variant = context.state.variants_in(product)[0]
    if price is None:
        ex = Decimal(variant["price"])
        price = {"ex": str(ex), "inc": str(ex * (1 + Decimal(context.store["tax_rate"])))}
    names = {name: entry.get(name) or product["name"] for name in ("name", "name_customer", "name_merchant")}
    return {
        **line,
        **names,
        "product_id": product["id"],
        "variant_id": variant["id"],
        "sku": variant["sku"],
        "upc": entry.get("upc") or variant["upc"],
        "type": product["type"],
        "weight": variant["weight"],
        "brand": product["brand"],
        "price": price,
        "product_options": chosen,
    }


def _given_options(entry: Doc) -> dict[int, Any]:
    given = entry.get("product_options") or []
    if not isinstance(given, list) or not all(
        isinstance(row, dict) and "id" in row and "value" in row for row in given
    ):
        raise invalid("product_options")
    return {whole(row["id"], "product_options.id", 1): row["value"] for row in given}


def _variant(context: Context, entry: Doc, product: Doc, given: dict[int, Any], problems: list[Doc]) -> Doc | None:
    """Return the variant a line names, by its id or by its options; None when the options are not enough."""
    variants = context.state.variants_in(product)
    if entry.get("variant_id"):
        number = whole(entry["variant_id"], "variant_id", 1)
        found = next((variant for variant in variants if variant["id"] == number), None)
        if found is None:
            raise invalid("variant_id")
        return found
    if not product["options"]:
        return variants[0]
    wanted: dict[str, str] = {}
    for option in product["options"]:
        if option["id"] not in given:
            continue
        value = next((row for row in option["values"] if str(row["id"]) == str(given[option["id"]])), None)
        if value is None:
            problems.append(_wrong_value(context, product, option, given[option["id"]]))
            return None
        wanted[option["display_name"]] = value["label"]
    lacking = [option for option in product["options"] if option["display_name"] not in wanted]
    if lacking:
        problems.append(_mandatory(context, product, lacking))
        return None
    return next((variant for variant in variants if variant["options"] == wanted), None) or _no_such(wanted)


def _no_such(wanted: dict[str, str]) -> Doc:
    raise Refused(400, f"There is no variant with the options {', '.join(wanted.values())}.")


def _options(
    context: Context, product: Doc, variant: Doc | None, given: dict[int, Any], problems: list[Doc]
) -> list[Doc]:
    """Return the line's options: its variant's, and what was chosen of the product's modifiers."""
    known = {option["id"] for option in (*product["options"], *product["modifiers"])}
    for number in given.keys() - known:
        problems.append(
            {
                "type": "InvalidProductOption",
                "product": {**_named(product), "value": number, **_place(context, product)},
            }
        )
    rows = []
    for option in product["options"]:
        label = variant["options"].get(option["display_name"]) if variant else None
        value = next((row for row in option["values"] if row["label"] == label), None)
        if value:
            rows.append(_option_row(option, str(value["id"]), value["label"], "Multiple choice"))
    lacking = []
    for modifier in product["modifiers"]:
        default = next((row for row in modifier["values"] if row["default"]), None)
        chosen = given.get(modifier["id"], default["id"] if default else None)
        if chosen in (None, ""):
            if modifier["required"]:
                lacking.append(modifier)
            continue
        if modifier["type"] == "text":
            rows.append(_option_row(modifier, str(chosen), str(chosen), "Text field"))
            continue
        value = next((row for row in modifier["values"] if str(row["id"]) == str(chosen)), None)
        if value is None:
            problems.append(_wrong_value(context, product, modifier, chosen))
        else:
            rows.append(_option_row(modifier, str(value["id"]), value["label"], "Multiple choice"))
    if lacking:
        problems.append(_mandatory(context, product, lacking))
    return rows


def _option_row(option: Doc, value: str, label: str, kind: str) -> Doc:
    return {
        "option_id": option["id"],
        "product_option_id": option["id"],
        "display_name": option["display_name"],
        "display_value": label,
        "value": value,
        "type": kind,
    }


# Refusals


def _named(product: Doc) -> Doc:
    return {"id": product["id"], "name": product["name"]}


def _place(context: Context, product: Doc, tail: str = "") -> Doc:
    resource = f"/products/{product['id']}{tail}"
    return {"url": f"{context.base_url}/v2{resource}", "resource": resource}


def _option_of(context: Context, product: Doc, option: Doc) -> Doc:
    named = {"id": option["id"], "option_id": option["id"], "display_name": option["display_name"]}
    return {**named, **_place(context, product, f"/options/{option['id']}")}


def _mandatory(context: Context, product: Doc, options: list[Doc]) -> Doc:
    rows = [_option_of(context, product, option) for option in options]
    return {
        "type": "MandatoryProductOptions",
        "product": {**_named(product), "required_product_options": rows, **_place(context, product)},
    }


def _wrong_value(context: Context, product: Doc, option: Doc, value: Any) -> Doc:
    row = {**_option_of(context, product, option), "value": value}
    return {
        "type": "InvalidProductOptionValue",
        "product": {**_named(product), "product_option": row, **_place(context, product)},
    }


def check_stock(context: Context, lines: list[Doc]) -> None:
    """Refuse lines the stock or the products' least and most quantities do not allow (409)."""
    problems: list[Doc] = []
    needs: list[tuple[Doc, int]] = []
    for line in lines:
        variant = stock.variant_of(context, line)
        if variant is None:
            continue
        needs.append((variant, line["quantity"]))
        product = context.state.product_of(variant)
        least, most = product["order_quantity_minimum"], product["order_quantity_maximum"]
        if most and line["quantity"] > most:
            row = {**_named(product), "maximum_quantity": most, **_place(context, product)}
            problems.append({"type": "ExceedsMaxQuantity", "product": row})
        if least and line["quantity"] < least:
            row = {**_named(product), "minimum_quantity": least, **_place(context, product)}
            problems.append({"type": "InsufficientQuantity", "product": row})
    for variant, there in stock.short(context, needs):
        product = context.state.product_of(variant)
        row = _named(product)
        if product["options"]:
            number = stock.sku_id(variant)
            sku = {"id": number, "sku": variant["sku"], "inventory_level": there}
            row["sku"] = {**sku, **_place(context, product, f"/skus/{number}")}
        else:
            row["inventory_level"] = there
        problems.append({"type": "OutOfStock", "product": {**row, **_place(context, product)}})
    if problems:
        raise Refused(409, _STOCK, details={"errors": problems})
