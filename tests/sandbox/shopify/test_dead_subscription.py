"""A subscription nobody answers for is deleted, as Shopify does after eight failures in a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connectors.sandbox.shopify import hooks
from connectors.sandbox.shopify.context import Context
from connectors.sandbox.shopify.state import SUBSCRIPTIONS, State
from connectors.sandbox.world import World

SHOP = "northpine-supply.myshopify.com"


def test_giving_up_on_a_delivery_deletes_its_subscription_for_good(tmp_path: Path) -> None:
    world = World(tmp_path)
    state = State(world)
    subscription = {
        "id": "gid://shopify/WebhookSubscription/1",
        "shop": SHOP,
        "topic": "SHOP_UPDATE",
        "uri": "http://127.0.0.1:1/x",
        "includeFields": [],
    }
    world.put(SUBSCRIPTIONS, subscription["id"], subscription)
    world.commit()
    context = Context(state, SHOP)
    context.tell("SHOP_UPDATE", lambda: {"id": 1})
    sent: list[Any] = []
    hooks.send(context, lambda uri, headers, body, on_dead: sent.append((uri, on_dead)), "secret")
    ((uri, on_dead),) = sent
    assert uri == subscription["uri"]
    on_dead()
    assert hooks.of_shop(world, SHOP) == []
    world.close()
    again = World(tmp_path)
    assert hooks.of_shop(again, SHOP) == []
    again.close()


def test_what_was_accepted_is_there_after_the_process_was_killed(tmp_path: Path) -> None:
    world = World(tmp_path)
    state = State(world)
    variant = state.by_sku[SHOP, "np-tee-xl"][0]
    place = state.locations_of[SHOP][0]["id"]
    level = state.levels_of[variant["item"]][place]
    from connectors.sandbox.shopify import order_create, stock

    context = Context(state, SHOP)
    stock.move(context, variant["item"], place, available=5 - level["available"])
    line = {
        "variantId": variant["id"],
        "quantity": 2,
        "priceSet": {"shopMoney": {"amount": "1", "currencyCode": "USD"}},
    }
    made = order_create.create(
        context, {"lineItems": [line], "sourceIdentifier": "K-1", "tags": ["a"]}, {"inventoryBehaviour": stock.OBEYING}
    )
    assert made["userErrors"] == []
    world.commit()
    # No close: this is all a killed process leaves behind.
    survivor = State(World(tmp_path))
    assert [order["name"] for order in survivor.by_source[SHOP, "K-1"]] == ["#1001"]
    assert survivor.levels_of[variant["item"]][place]["available"] == 3
    assert survivor.by_tag[SHOP, "a"] != []
    survivor.world.close()
    world.close()
