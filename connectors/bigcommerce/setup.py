"""Making a store ready for us: the webhooks. Each step may be repeated for ever, and a daily job does.

BigCommerce stops a hook whose deliveries failed for two days, and forgets one that was silent for 90; both are seen in
the list and mended here. A hook made with another application's token is not in the list, and not ours to touch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.bigcommerce.client import Client
from connectors.bigcommerce.config import BigCommerceConfig
from connectors.bigcommerce.webhooks import HOOK_HEADER, TOPICS, hook_value
from connectors.contract.errors import Rejected
from connectors.contract.types import SetUpReport

Json = Mapping[str, Any]


def set_up(client: Client, config: BigCommerceConfig, *, webhook_url: str) -> SetUpReport:
    """Make sure the webhooks exist, are active and carry our header; return what was done and what is missing."""
    existing = client.hooks()
    secret = hook_value(client.store_hash, config.client_secret)
    created = mended = ended = 0
    refused: dict[str, str] = {}
    for topic in TOPICS:
        ours = [hook for hook in existing if hook.get("scope") == topic.scope]
        # One that is right already is kept before one that would need a change.
        ours.sort(key=lambda hook: not fits(hook, webhook_url, secret))
        try:
            if not ours:
                client.create_hook({"scope": topic.scope, **wanted(webhook_url, secret)})
                created += 1
            elif not fits(ours[0], webhook_url, secret):
                client.update_hook(str(ours[0].get("id")), wanted(webhook_url, secret))
                mended += 1
        except Rejected as error:
            # One event we may not have must not cost us the others.
            if not topic.optional:
                refused[topic.scope] = error.message
            continue
        ended += _end(client, ours[1:])
    acted_on = {topic.scope for topic in TOPICS}
    ended += _end(
        client,
        [hook for hook in existing if hook.get("scope") not in acted_on and hook.get("destination") == webhook_url],
    )
    done = [
        f"{count} webhook{'s' if count > 1 else ''} {words}."
        for count, words in ((created, "created"), (mended, "corrected or made active again"), (ended, "removed"))
        if count
    ]
    missing: list[str] = []
    if refused:
        reasons = "; ".join(dict.fromkeys(refused.values()))
        missing.append(f"The store does not tell us about {', '.join(refused)}: {reasons}")
    return SetUpReport(done=tuple(done), missing=tuple(missing))


def wanted(webhook_url: str, secret: str) -> dict[str, Any]:
    """Return what a hook of ours is: where it goes, active, with our own header."""
    return {"destination": webhook_url, "is_active": True, "headers": {HOOK_HEADER: secret}}


def fits(hook: Json, webhook_url: str, secret: str) -> bool:
    """Say whether a hook is as we want it. Header names may come back in another case."""
    held = hook.get("headers")
    headers = {str(name).lower(): value for name, value in held.items()} if isinstance(held, dict) else {}
    return (
        hook.get("destination") == webhook_url
        and hook.get("is_active") is True
        and headers.get(HOOK_HEADER.lower()) == secret
    )


def missing_hooks(existing: Sequence[Json]) -> list[str]:
    """Return the scopes we rely on for which there is no active hook."""
    active = {hook.get("scope") for hook in existing if hook.get("is_active") is True}
    return [topic.scope for topic in TOPICS if not topic.optional and topic.scope not in active]


def _end(client: Client, hooks: Sequence[Json]) -> int:
    for hook in hooks:
        client.delete_hook(str(hook.get("id")))
    return len(hooks)
