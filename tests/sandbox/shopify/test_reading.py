"""A query answered by its plan is answered as graphql-core would, and what no plan knows is left to graphql-core."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLNonNull,
    GraphQLObjectType,
    execute,
    get_named_type,
    get_variable_values,
    is_leaf_type,
    is_object_type,
)

from connectors.sandbox import server, shopify
from connectors.sandbox.shopify import access, engine
from connectors.sandbox.shopify.context import Context
from connectors.sandbox.shopify.face import ShopifyFace, face_of
from connectors.sandbox.shopify.inputs import Inputs, Unfit
from connectors.sandbox.shopify.reading import Plan, Unplanned
from connectors.shopify import documents
from tests.sandbox.shopify.conftest import ORDER_CREATE, SHOP, dollars

SCOPES = access.held(frozenset({*access.DEFAULT_SCOPES, "read_customers"}))


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopifyFace]:
    """A pretend Shopify without a server, with one order of two lines."""
    app = server.make_app(
        Path(tmp_path_factory.mktemp("world")), {}, base_url="http://s", web_url="http://w", setups=[shopify.setup]
    )
    face = face_of(app[server.CORE].world)
    face.state.shops[SHOP]["plan"] = "plus"
    variants = [row["id"] for row in face.state.variants.values() if row["shop"] == SHOP and row["tracked"]][:2]
    order = {
        "currency": "USD",
        "sourceIdentifier": "114-1",
        "lineItems": [{"variantId": one, "quantity": 1, "priceSet": dollars("24.00")} for one in variants],
        "shippingLines": [{"title": "Standard", "priceSet": dollars("4.00")}],
        "transactions": [{"kind": "SALE", "amountSet": dollars("52.00")}],
        "metafields": [{"namespace": "salestio", "key": "order_key", "type": "id", "value": "amazon:A1:114-1:1"}],
        "customer": {"toUpsert": {"email": "farah@marketplace.example", "firstName": "Farah"}},
        "shippingAddress": {"firstName": "Farah", "city": "Burlington", "provinceCode": "VT", "countryCode": "US"},
    }
    made = face.engine.run(face.engine.prepare(ORDER_CREATE), face.context(SHOP, SCOPES), {"order": order}, None)
    assert made["data"]["orderCreate"]["userErrors"] == []
    yield face
    app[server.CORE].world.close()


def by_graphql_core(face: ShopifyFace, context: Context, text: str, variables: dict[str, Any]) -> Any:
    prepared = face.engine.prepare(text)
    assert prepared.document is not None, prepared.errors
    return execute(
        face.engine.schema, prepared.document,
        context_value=context, variable_values=variables,
        field_resolver=engine._resolve, type_resolver=engine._kind,
    )  # fmt: skip


def planned(face: ShopifyFace, text: str) -> Plan:
    """The plan of a document's one query; raises `Unplanned`."""
    prepared = face.engine.prepare(text)
    operation = prepared.operation(None)
    assert operation is not None
    return Plan(face.engine.schema, operation, prepared.fragments, Inputs(face.engine.schema), engine._kind)


def same(face: ShopifyFace, text: str, variables: dict[str, Any]) -> Any:
    """The plan's answer, once it is graphql-core's to the order of its fields."""
    context = face.context(SHOP, SCOPES)
    wanted = by_graphql_core(face, context, text, variables)
    assert wanted.errors is None
    found = planned(face, text).answer(context, variables)
    assert json.dumps(found) == json.dumps(wanted.data)
    return found


def test_what_the_product_asks_most(face: ShopifyFace) -> None:
    items = [row["item"] for row in face.state.variants.values() if row["shop"] == SHOP][:3]
    variables = {"items": [*items, "gid://shopify/InventoryItem/1"], "orders": list(face.state.orders), "levels": 2}
    stock = same(face, documents.STOCK_READ.text, {**variables, "parts": 2, "lines": 5})
    assert stock["items"][-1] is None
    assert stock["orders"][0]["key"]["value"] == "amazon:A1:114-1:1"
    found = same(face, documents.ORDER_SEARCH.text, {"query": "source_identifier:'114-1'", "first": 5})
    assert len(found["orders"]["nodes"]) == 1
    assert same(face, documents.ORDER_GET.text, {"id": next(iter(face.state.orders))})["order"]["name"]
    assert same(face, documents.LOCATION_LIST.text, {})["locations"]["nodes"]


GIVEN = {"first": "2", "namespace": '"salestio"', "key": '"order_key"', "names": '["available", "on_hand"]'}


def everything(kind: GraphQLObjectType, depth: int) -> str:
    """Select every field of a kind of object that needs no arguments but the ones above, some levels deep."""
    parts = ["__typename"]
    for name, definition in kind.fields.items():
        needed = [key for key, one in definition.args.items() if isinstance(one.type, GraphQLNonNull)]
        given = [key for key in definition.args if key in GIVEN]
        inner = get_named_type(definition.type)
        if any(key not in GIVEN for key in needed):
            continue
        arguments = f"({', '.join(f'{key}: {GIVEN[key]}' for key in given)})" if given else ""
        if is_leaf_type(inner):
            parts.append(name + arguments)
        elif is_object_type(inner) and depth:
            parts.append(f"{name}{arguments} {everything(inner, depth - 1)}")
    return "{ " + " ".join(parts) + " }"


@pytest.mark.parametrize(
    ("kind", "table"), [("Order", "orders"), ("ProductVariant", "variants"), ("Product", "products")]
)
def test_every_field_of_an_object(face: ShopifyFace, kind: str, table: str) -> None:
    selected = everything(face.engine.schema.type_map[kind], 3)  # type: ignore[arg-type]
    query = f"query($id: ID!) {{ node(id: $id) {{ id ... on {kind} {selected} }} }}"
    ids = [doc["id"] for doc in getattr(face.state, table).values() if doc["shop"] == SHOP][:3]
    for one in ids:
        assert len(json.dumps(same(face, query, {"id": one}))) > 1000


def test_aliases_merged_fields_and_fragments(face: ShopifyFace) -> None:
    query = """
    query($first: Int = 3) {
      a: shop { name }
      shop { ...Facts }
      shop { currencyCode ... { plan { publicDisplayName } } }
      locations(first: $first) { nodes { ... on Node { id } ... on Location { place: name name } } }
    }
    fragment Facts on Shop { name myshopifyDomain }
    """
    found = same(face, query, {})
    assert list(found) == ["a", "shop", "locations"]
    assert {"name", "myshopifyDomain", "currencyCode", "plan"} == set(found["shop"])


@pytest.mark.parametrize(
    "text",
    ["{ shop { name @skip(if: true) id } }", "{ __schema { queryType { name } } }", "{ __type(name: \"Shop\") { name } }"],
)  # fmt: skip
def test_what_has_no_plan_is_answered_by_graphql_core(face: ShopifyFace, text: str) -> None:
    with pytest.raises(Unplanned):
        planned(face, text)
    context = face.context(SHOP, SCOPES)
    prepared = face.engine.prepare(text)
    assert face.engine.run(prepared, context, {}, None) == {"data": by_graphql_core(face, context, text, {}).data}


@pytest.mark.parametrize(
    ("text", "variables", "scopes"),
    [
        ("{ shop { name } orders(first: 1) { nodes { id } } }", {}, frozenset[str]()),
        ("query($n: Int!) { orders(first: $n) { nodes { id } } }", {"n": "many"}, SCOPES),
        ("query($n: Int!) { orders(first: $n) { nodes { id } } }", {"n": 251}, SCOPES),
        ("{ orders(first: 1, after: \"none of ours\") { nodes { id } } shop { name } }", {}, SCOPES),
    ],
)  # fmt: skip
def test_an_error_has_the_words_of_graphql_core(
    face: ShopifyFace, text: str, variables: dict[str, Any], scopes: frozenset[str]
) -> None:
    wanted = by_graphql_core(face, face.context(SHOP, scopes), text, variables)
    found = face.engine.run(face.engine.prepare(text), face.context(SHOP, scopes), variables, None)
    assert [error["message"] for error in found["errors"]] == [error.message for error in wanted.errors]
    assert found.get("data") == wanted.data


def test_a_query_run_twice_warns_once(face: ShopifyFace) -> None:
    context = face.context(SHOP, SCOPES)
    text = '{ orders(first: 1, query: "colour:red") { nodes { id } } customer(id: "gid://shopify/Customer/1") { id } '
    text += 'locations(first: 1, after: "none of ours") { nodes { id } } }'
    assert "errors" in face.engine.run(face.engine.prepare(text), context, {}, None)
    assert len(context.search_warnings) == 1


def test_a_mutation_does_its_work_once_though_its_answer_is_ended_by_graphql_core(face: ShopifyFace) -> None:
    text = "mutation($id: ID!) { done: tagsAdd(id: $id, tags: [\"VIP\"]) { node { id } userErrors { message } } }"  # fmt: skip
    order_id = next(iter(face.state.orders))
    context = face.context(SHOP, SCOPES)
    prepared = face.engine.prepare(text)
    face.state.orders[order_id]["__typename"] = "Nothing of the schema"
    try:
        found = face.engine.run(prepared, context, {"id": order_id}, None)
    finally:
        face.state.orders[order_id]["__typename"] = "Order"
    assert found["errors"]
    assert [topic for topic, _ in context.events] == ["ORDERS_UPDATED"]


@pytest.mark.parametrize(
    ("text", "variables", "scopes"),
    [
        ("mutation($id: ID!) { tagsAdd(id: $id, tags: [\"VIP\"]) { userErrors { message } } }", {"id": "x"}, frozenset[str]()),
        ("mutation($i: RefundInput!) { refundCreate(input: $i) { userErrors { message } } }", {"i": {"orderId": "x"}}, SCOPES),
        ("mutation($i: OrderInput!) { orderUpdate(input: $i) { userErrors { message } } }", {"i": {"note": 3}}, SCOPES),
        ("mutation($i: OrderInput!) { orderUpdate(input: $i) { userErrors { message } } }", {}, SCOPES),
        ("mutation($i: OrderInput!) { orderUpdate(input: $i) { userErrors { message } } }", {"i": {"id": "x", "no": 1}}, SCOPES),
    ],
)  # fmt: skip
def test_a_mutation_refused_as_a_whole(
    face: ShopifyFace, text: str, variables: dict[str, Any], scopes: frozenset[str]
) -> None:
    test_an_error_has_the_words_of_graphql_core(face, text, variables, scopes)


def test_inputs_are_taken_as_graphql_core_takes_them(face: ShopifyFace) -> None:
    """One of everything: lists, a list of one without brackets, enums, defaults, one-of, nulls."""
    documents_and_values: list[tuple[str, dict[str, Any]]] = [
        (ORDER_CREATE, {"order": {"lineItems": [{"quantity": 2, "title": "A", "priceSet": dollars("2.50")}]}}),
        (ORDER_CREATE, {"order": {"lineItems": [{"quantity": 1, "taxLines": []}], "tags": "one", "note": None}}),
        (ORDER_CREATE, {"order": {"lineItems": [{"quantity": 1}], "customer": {"toUpsert": {"email": "a@b.c"}}}}),
        (ORDER_CREATE, {"order": {"lineItems": []}, "options": {"inventoryBehaviour": "BYPASS"}}),
        (documents.STOCK_READ.text, {"items": ["1", 2], "levels": 2, "orders": [], "parts": 1, "lines": 1}),
        (documents.LOCATION_LIST.text, {"after": None}),
        (documents.LOCATION_LIST.text, {}),
    ]
    for text, raw in documents_and_values:
        operation = face.engine.prepare(text).operation(None)
        assert operation is not None
        wanted = get_variable_values(face.engine.schema, operation.variable_definitions or (), raw)
        try:
            found = Inputs(face.engine.schema).of(operation)(raw)
        except Unfit:
            assert raw.get("order", {}).get("tags") == "one"
            continue
        assert not isinstance(wanted, list)
        assert {name: one.value for name, one in found.sources.items()} == {
            name: one.value for name, one in wanted.sources.items()
        }
        assert json.dumps(found.coerced) == json.dumps(wanted.coerced)
