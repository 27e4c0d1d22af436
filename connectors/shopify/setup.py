"""Making a shop ready for us: the key's definition, the webhooks, the scopes. Each step may be repeated for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.contract.errors import Rejected
from connectors.contract.types import SetUpReport, StoreInfo
from connectors.shopify import documents, mapping
from connectors.shopify.client import Client
from connectors.shopify.config import ShopifyConfig
from connectors.shopify.documents import ORDER_KEY, ORDER_KEY_NAMESPACE
from connectors.shopify.errors import error_of, read_user_errors
from connectors.shopify.webhooks import SUBSCRIPTIONS, Topic

KEY_TYPE = "id"
"""The metafield type whose values are unique in a shop and can be looked up."""


def set_up(client: Client, config: ShopifyConfig, *, webhook_url: str) -> SetUpReport:
    """Make sure what we rely on exists; return what was done and what only the merchant can mend, in sentences."""
    done: list[str] = []
    missing: list[str] = []
    info = mapping.store_info(client.run(documents.SHOP_INFO), client.shop)
    not_granted = lacking(config, info)
    if not_granted:
        missing.append(f"The store has not granted: {', '.join(not_granted)}.")
    _define_key(client, config, done, missing)
    _subscribe(client, webhook_url, done, missing)
    return SetUpReport(done=tuple(done), missing=tuple(missing))


def lacking(config: ShopifyConfig, info: StoreInfo) -> list[str]:
    """Return the scopes we ask for that the shop has not granted."""
    return [scope for scope in config.scopes if not _granted(scope, info.scopes)]


def _granted(scope: str, scopes: tuple[str, ...]) -> bool:
    """Say whether a scope was granted; the right to write includes the right to read."""
    return scope in scopes or (scope.startswith("read_") and f"write_{scope.removeprefix('read_')}" in scopes)


def _define_key(client: Client, config: ShopifyConfig, done: list[str], missing: list[str]) -> None:
    """Make sure orders have the unique field that carries our key."""
    known = mapping.nodes_of(client.run(documents.KEY_DEFINITION), documents.KEY_DEFINITION.name)
    if known:
        kind = (known[0].get("type") or {}).get("name")
        if kind != KEY_TYPE:
            missing.append(
                f"The order field {ORDER_KEY_NAMESPACE}.{ORDER_KEY} exists as {kind}, not as {KEY_TYPE}:"
                " delete its definition in Shopify's settings under Custom data, then connect again."
            )
        return
    document = documents.KEY_DEFINE
    answer = client.run(document, {"definition": key_definition(config)})[document.name]
    # Another worker may have defined it since our look: that is as good.
    errors = [error for error in read_user_errors(answer.get("userErrors") or ()) if error.code != "TAKEN"]
    if errors:
        raise error_of(errors, document.name)
    done.append("Orders now carry a unique key, so that none is made twice.")


def key_definition(config: ShopifyConfig) -> dict[str, Any]:
    """Return the definition of the field on orders that carries our key."""
    return {
        "name": f"{config.app_name} order key",
        "namespace": ORDER_KEY_NAMESPACE,
        "key": ORDER_KEY,
        "type": KEY_TYPE,
        "ownerType": "ORDER",
        "description": "Which marketplace order this order was made for. Each value exists once.",
        "capabilities": {"uniqueValues": {"enabled": True}},
    }


def _subscribe(client: Client, webhook_url: str, done: list[str], missing: list[str]) -> None:
    """Create the webhooks that are missing, correct those that differ, end those we no longer act on."""
    existing = _subscriptions(client)
    created = corrected = ended = 0
    refused: dict[str, str] = {}
    for topic in SUBSCRIPTIONS:
        ours = [hook for hook in existing if hook.get("topic") == topic.enum]
        # One that is right already is kept before one that would need a change.
        ours.sort(key=lambda hook, topic=topic: not _fits(hook, topic, webhook_url))  # type: ignore[misc]
        try:
            if not ours:
                created += _change(client, documents.HOOK_CREATE, {"topic": topic.enum}, wanted(topic, webhook_url))
            elif not _fits(ours[0], topic, webhook_url):
                corrected += _change(client, documents.HOOK_UPDATE, {"id": ours[0]["id"]}, wanted(topic, webhook_url))
        except Rejected as error:
            # One topic we may not have must not cost us the others.
            refused[topic.header] = error.message
        for double in ours[1:]:
            ended += _end(client, double)
    acted_on = {topic.enum for topic in SUBSCRIPTIONS}
    for hook in existing:
        if hook.get("topic") not in acted_on and hook.get("uri") == webhook_url:
            ended += _end(client, hook)
    for count, words in ((created, "created"), (corrected, "corrected"), (ended, "removed")):
        if count:
            done.append(f"{count} webhook{'s' if count > 1 else ''} {words}.")
    if refused:
        reasons = "; ".join(dict.fromkeys(refused.values()))
        missing.append(f"The store does not tell us about {', '.join(refused)}: {reasons}")


def _subscriptions(client: Client) -> list[Mapping[str, Any]]:
    document, after, found = documents.HOOK_LIST, None, []
    while True:
        data = client.run(document, {"after": after})
        found += mapping.nodes_of(data, document.name)
        after = mapping.more_of(data, document.name)
        if not after:
            return found


def wanted(topic: Topic, webhook_url: str) -> dict[str, Any]:
    """Return the subscription we want for a topic."""
    return {"uri": webhook_url, "format": "JSON", "includeFields": list(topic.include)}


def _fits(hook: Mapping[str, Any], topic: Topic, webhook_url: str) -> bool:
    return (
        hook.get("uri") == webhook_url
        and hook.get("format") == "JSON"
        and sorted(hook.get("includeFields") or ()) == sorted(topic.include)
    )


def _change(
    client: Client, document: documents.Document, which: Mapping[str, Any], subscription: Mapping[str, Any]
) -> int:
    """Create or correct a webhook. One that exists already (another worker was quicker) is fine."""
    answer = client.run(document, {**which, "subscription": subscription})[document.name]
    errors = read_user_errors(answer.get("userErrors") or ())
    if any("already been taken" in error.message for error in errors):
        return 0
    if errors:
        raise error_of(errors, document.name)
    return 1


def _end(client: Client, hook: Mapping[str, Any]) -> int:
    """End a webhook; one that is gone already is what we wanted."""
    document = documents.HOOK_DELETE
    answer = client.run(document, {"id": hook["id"]})[document.name]
    return 0 if read_user_errors(answer.get("userErrors") or ()) else 1
