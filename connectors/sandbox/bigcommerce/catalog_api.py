"""The catalog of the V3 API: products, variants, options and modifiers. Reading, and the few writes an app makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.sandbox.bigcommerce import paging, stock
from connectors.sandbox.bigcommerce.errors import Refused, unprocessable
from connectors.sandbox.bigcommerce.state import PRODUCTS, VARIANTS, Doc, key_of

if TYPE_CHECKING:
    from connectors.sandbox.bigcommerce.face import Context


def _fields(context: Context, row: Doc) -> Doc:
    """Leave in only what `include_fields` names, or all but what `exclude_fields` names; the id always stays."""
    wanted, unwanted = paging.texts(context, "include_fields"), paging.texts(context, "exclude_fields")
    if wanted is not None:
        row = {
            name: value
            for name, value in row.items()
            if name in wanted or name in ("id", "options", "modifiers", "variants")
        }
    if unwanted is not None:
        row = {name: value for name, value in row.items() if name not in unwanted or name == "id"}
    return row


# Shapes


def variant_shape(context: Context, doc: Doc) -> Doc:
    """Return a variant."""
    product = context.state.product_of(doc)
    tracked_here = product["inventory_tracking"] == "variant"
    row: Doc = {
        "id": doc["id"],
        "product_id": doc["product_id"],
        "sku": doc["sku"],
        "price": float(doc["price"]),
        "calculated_price": float(doc["price"]),
        "weight": round(doc["weight"], 4),
        "is_free_shipping": False,
        "purchasing_disabled": False,
        "purchasing_disabled_message": "",
        "upc": doc["upc"],
        "inventory_level": context.state.available(doc) if tracked_here else 0,
        "inventory_warning_level": 0,
        "bin_picking_number": "",
        "option_values": _chosen_values(product, doc),
    }
    if doc["options"]:
        row["sku_id"] = stock.sku_id(doc)
    return row


def _chosen_values(product: Doc, variant: Doc) -> list[Doc]:
    rows = []
    for option in product["options"]:
        label = variant["options"].get(option["display_name"])
        value = next((row for row in option["values"] if row["label"] == label), None)
        if value:
            named = {"option_display_name": option["display_name"], "option_id": option["id"]}
            rows.append({"id": value["id"], "label": value["label"], **named})
    return rows


def option_shape(product: Doc, option: Doc) -> Doc:
    """Return an option of a product."""
    values = [
        {"id": row["id"], "label": row["label"], "sort_order": n, "is_default": False, "value_data": None}
        for n, row in enumerate(option["values"])
    ]
    return {
        "id": option["id"],
        "product_id": product["id"],
        "name": f"{option['display_name']}-{product['id']}",
        "display_name": option["display_name"],
        "type": "dropdown",
        "sort_order": 0,
        "option_values": values,
        "config": {},
    }


def modifier_shape(product: Doc, modifier: Doc) -> Doc:
    """Return a modifier of a product."""
    values = [
        {
            "id": row["id"],
            "option_id": modifier["id"],
            "label": row["label"],
            "sort_order": n,
            "is_default": row["default"],
            "value_data": None,
            "adjusters": {"purchasing_disabled": {"status": False, "message": ""}},
        }
        for n, row in enumerate(modifier["values"])
    ]
    text = modifier["type"] == "text"
    limits = {"default_value": "", "text_characters_limited": False, "text_min_length": 0, "text_max_length": 0}
    return {
        "id": modifier["id"],
        "product_id": product["id"],
        "name": f"{modifier['display_name']}-{product['id']}",
        "display_name": modifier["display_name"],
        "type": modifier["type"],
        "required": modifier["required"],
        "sort_order": 0,
        "option_values": values,
        "config": limits if text else {},
    }


def product_shape(context: Context, doc: Doc) -> Doc:
    """Return a product, with the sub-resources `include` asks for."""
    variants = context.state.variants_in(doc)
    level = context.state.available(doc) if doc["inventory_tracking"] == "product" else 0
    if doc["inventory_tracking"] == "variant":
        level = sum(context.state.available(variant) for variant in variants)
    kept = (
        "id name type sku description is_visible availability inventory_tracking order_quantity_minimum "
        "order_quantity_maximum total_sold upc search_keywords"
    )
    row: Doc = {
        **{name: doc[name] for name in kept.split()},
        "price": float(doc["price"]),
        "calculated_price": float(doc["price"]),
        "cost_price": 0,
        "retail_price": 0,
        "sale_price": 0,
        "map_price": 0,
        "weight": round(doc["weight"], 4),
        "width": 0,
        "depth": 0,
        "height": 0,
        "tax_class_id": 0,
        "product_tax_code": "",
        "categories": [],
        "brand_id": 0,
        "inventory_level": level,
        "inventory_warning_level": 0,
        "fixed_cost_shipping_price": 0,
        "is_free_shipping": False,
        "is_featured": False,
        "condition": "New",
        "is_condition_shown": False,
        "sort_order": 0,
        "mpn": "",
        "gtin": "",
        "is_preorder_only": False,
        "is_price_hidden": False,
        "view_count": 0,
        "date_created": _date(doc["date_created"]),
        "date_modified": _date(doc["date_modified"]),
        "custom_url": {"url": f"/{doc['name'].lower().replace(' ', '-')}/", "is_customized": False},
    }
    if not doc["options"] and variants:
        row["base_variant_id"] = variants[0]["id"]
    row = _fields(context, row)
    included = paging.texts(context, "include") or set()
    if "variants" in included:
        row["variants"] = [variant_shape(context, variant) for variant in variants]
    if "options" in included:
        row["options"] = [option_shape(doc, option) for option in doc["options"]]
    if "modifiers" in included:
        row["modifiers"] = [modifier_shape(doc, modifier) for modifier in doc["modifiers"]]
    for name in ("images", "videos", "custom_fields", "bulk_pricing_rules", "parent_relations"):
        if name in included:
            row[name] = []
    if "channels" in included:
        row["channels"] = [1]
    return row


def _date(iso: str) -> str:
    return f"{iso[:19]}+00:00"


# Reading


def products(context: Context) -> Any:
    """``getProducts``. With options or modifiers a page holds 10 at most."""
    query = context.query
    rows = list(context.state.products_of[context.hash])
    for name, field in (("id", "id"), ("id:in", "id")):
        wanted = paging.numbers(context, name)
        if wanted is not None:
            rows = [doc for doc in rows if doc[field] in wanted]
    unwanted = paging.numbers(context, "id:not_in")
    if unwanted is not None:
        rows = [doc for doc in rows if doc["id"] not in unwanted]
    for name, test in (
        ("id:min", int.__ge__),
        ("id:greater", int.__gt__),
        ("id:max", int.__le__),
        ("id:less", int.__lt__),
    ):
        bound = paging.numbers(context, name)
        if bound:
            rows = [doc for doc in rows if test(doc["id"], min(bound))]
    if "sku" in query:
        rows = [doc for doc in rows if doc["sku"] == query["sku"]]
    several = paging.texts(context, "sku:in")
    if several is not None:
        rows = [doc for doc in rows if doc["sku"] in several]
    for name in ("name", "upc", "type", "availability"):
        if name in query:
            rows = [doc for doc in rows if doc[name] == query[name]]
    if "is_visible" in query:
        rows = [doc for doc in rows if doc["is_visible"] == (query["is_visible"].lower() in ("true", "1"))]
    if "keyword" in query:
        word = query["keyword"].casefold()
        rows = [doc for doc in rows if word in f"{doc['name']} {doc['sku']} {doc['brand']}".casefold()]
    for edge in ("min", "max"):
        given = query.get(f"date_modified:{edge}")
        if given is not None:
            rows = [
                doc
                for doc in rows
                if (doc["date_modified"] >= given if edge == "min" else doc["date_modified"] <= given)
            ]
    sort = query.get("sort", "id")
    if sort not in ("id", "name", "sku", "price", "date_modified", "total_sold", "is_visible"):
        raise unprocessable("sort", "The sort field is not valid.")
    if sort != "id" or query.get("direction") == "desc":
        rows.sort(
            key=lambda doc: float(doc[sort]) if sort == "price" else doc[sort], reverse=query.get("direction") == "desc"
        )
    included = paging.texts(context, "include") or set()
    largest = 10 if included & {"options", "modifiers"} else 250
    return paging.v3(context, rows, lambda doc: product_shape(context, doc), largest=largest)


def _product(context: Context) -> Doc:
    doc = context.state.products.get(key_of(context.hash, context.params["id"]))
    if doc is None:
        raise Refused(404, "A product was not found with an id of " + context.params["id"])
    return doc


def product(context: Context) -> Any:
    """``getProduct``."""
    return {"data": product_shape(context, _product(context)), "meta": {}}


def variants(context: Context) -> Any:
    """``getVariants``. A SKU finds variants with options only; a product's own SKU is asked of the products."""
    query = context.query
    rows = context.state.variants_of[context.hash]
    if "sku" in query:
        rows = [doc for doc in context.state.by_sku.get((context.hash, query["sku"]), []) if doc["options"]]
    if "upc" in query:
        rows = [doc for doc in rows if doc["upc"] == query["upc"]]
    for name, field in (("id", "id"), ("product_id:in", "product_id")):
        wanted = paging.numbers(context, name)
        if wanted is not None:
            rows = [doc for doc in rows if doc[field] in wanted]
    return paging.v3(context, rows, lambda doc: _fields(context, variant_shape(context, doc)))


def product_variants(context: Context) -> Any:
    """``getProductVariants``."""
    rows = context.state.variants_in(_product(context))
    return paging.v3(context, rows, lambda doc: _fields(context, variant_shape(context, doc)))


def product_variant(context: Context) -> Any:
    """``getProductVariant``."""
    return {"data": variant_shape(context, _variant(context)), "meta": {}}


def _variant(context: Context) -> Doc:
    number = context.params["part"]
    doc = next((doc for doc in context.state.variants_in(_product(context)) if str(doc["id"]) == number), None)
    if doc is None:
        raise Refused(404, f"Variant with id {number} was not found")
    return doc


def options(context: Context) -> Any:
    """``getProductVariantOptions``."""
    doc = _product(context)
    return paging.v3(context, doc["options"], lambda option: option_shape(doc, option))


def modifiers(context: Context) -> Any:
    """``getProductModifiers``."""
    doc = _product(context)
    return paging.v3(context, doc["modifiers"], lambda modifier: modifier_shape(doc, modifier))


# Writing: prices and visibility


def update_variant(context: Context) -> Any:
    """``updateProductVariant``: price and SKU. Stock is not written here, as the docs demand of new apps."""
    doc = _variant(context)
    body = context.body
    if not isinstance(body, dict) or body.keys() - {"price", "sku", "upc"}:
        raise unprocessable("body", "Only price, sku and upc of a variant can be changed in the pretend BigCommerce.")
    if "price" in body:
        doc["price"] = str(_price(body["price"]))
        context.record("price.set", None, doc["id"], {"sku": doc["sku"], "price": doc["price"]})
    if "upc" in body:
        doc["upc"] = str(body["upc"] or "")
    if "sku" in body:
        context.state.resku(doc, str(body["sku"] or ""))
    context.state.save(VARIANTS, doc)
    touched(context, context.state.product_of(doc))
    return {"data": variant_shape(context, doc), "meta": {}}


def update_product(context: Context) -> Any:
    """``updateProduct``: name, price, visibility."""
    doc, body = _product(context), context.body
    if not isinstance(body, dict) or body.keys() - {"name", "price", "is_visible"}:
        raise unprocessable("body", "Only name, price and is_visible can be changed in the pretend BigCommerce.")
    if "price" in body:
        doc["price"] = str(_price(body["price"]))
        for variant in context.state.variants_in(doc) if not doc["options"] else []:
            variant["price"] = doc["price"]
            context.state.save(VARIANTS, variant)
        context.record("price.set", None, doc["id"], {"sku": doc["sku"], "price": doc["price"]})
    if "name" in body:
        doc["name"] = str(body["name"])
    if "is_visible" in body:
        doc["is_visible"] = bool(body["is_visible"])
    touched(context, doc)
    context.record("product.update", None, doc["id"], {"fields": sorted(body)})
    return {"data": product_shape(context, doc), "meta": {}}


def _price(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise unprocessable("price", "The price must be a number, not negative.")
    return float(value)


def touched(context: Context, product: Doc) -> None:
    """Keep a changed product and announce it."""
    product["date_modified"] = context.now
    context.state.save(PRODUCTS, product)
    context.tell("store/product/updated", {"type": "product", "id": product["id"]})
