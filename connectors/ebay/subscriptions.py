"""Being told of changes: our application's destination at eBay, and who sends what there.

There are topics of a seller (ORDER_CONFIRMATION: subscribed with the seller's token) and topics of our application
(account deletion, revoked permissions: with our own). eBay says of each topic which kind it is.
"""

from __future__ import annotations

import logging
from typing import Any

from connectors.contract.errors import AccessDenied, NotFound, Rejected
from connectors.ebay import errors
from connectors.ebay.client import Client
from connectors.ebay.config import PLATFORM, EbayConfig
from connectors.reading import each, text

logger = logging.getLogger(__name__)

ORDER_CONFIRMATION = "ORDER_CONFIRMATION"
OUR_TOPICS = ("MARKETPLACE_ACCOUNT_DELETION", "AUTHORIZATION_REVOCATION")
"""What every application must hear (the first is compulsory), whoever its sellers are."""

NAME_LENGTH = 64


def subscribe(client: Client, config: EbayConfig, address: str) -> str:
    """Make sure order confirmations of this seller reach `address`; return the subscription's id. Repeatable."""
    destination_id = ensure_destination(client, config, address)
    subscription_id = _ensure(client, ORDER_CONFIRMATION, destination_id)
    for topic_id in OUR_TOPICS:
        try:
            _ensure(client, topic_id, destination_id)
        except (AccessDenied, NotFound) as error:
            # Orders do not depend on them, and the operator is told by the log: eBay's developer page has a switch too.
            logger.warning("eBay does not offer a topic", extra={"topic": topic_id, "code": error.code})
    return subscription_id


def ensure_destination(client: Client, config: EbayConfig, address: str) -> str:
    """Return the id of the destination that leads to `address`, made or switched on if need be."""
    wanted = {
        "name": f"{config.app_name} notifications"[:NAME_LENGTH],
        "status": "ENABLED",
        "deliveryConfig": {"endpoint": address, "verificationToken": config.verification_token},
    }
    known = _destination(client, address)
    if known is None:
        _ensure_config(client, config)
        try:
            return client.create_destination(wanted)
        except Rejected as error:
            # Another worker made it between our look and our call.
            known = _destination(client, address) if error.code == errors.DESTINATION_EXISTS else None
            if known is None:
                raise
    destination_id = text(known, "destinationId")
    if text(known, "status") != "ENABLED":
        client.update_destination(destination_id, wanted)
    return destination_id


def _ensure_config(client: Client, config: EbayConfig) -> None:
    """Make sure eBay knows where to write when our address fails; it makes no destination before."""
    if not config.alert_email:
        return
    try:
        known = text(client.notification_config(), "alertEmail")
    except NotFound:
        known = ""
    if known != config.alert_email:
        client.update_notification_config(config.alert_email)


def _destination(client: Client, address: str) -> dict[str, Any] | None:
    for destination in client.destinations():
        delivery = destination.get("deliveryConfig")
        if isinstance(delivery, dict) and delivery.get("endpoint") == address:
            return destination
    return None


def _ensure(client: Client, topic_id: str, destination_id: str) -> str:
    """Make sure the topic is sent to the destination; return the subscription's id."""
    try:
        topic = client.topic(topic_id)
    except NotFound as error:
        if topic_id != ORDER_CONFIRMATION:
            raise
        raise AccessDenied(
            "eBay does not offer order notifications to this application",
            code=error.code,
            platform=PLATFORM,
            operation="getTopic",
        ) from error
    ours = text(topic, "scope").upper() == "APPLICATION"
    wanted = {
        "topicId": topic_id,
        "status": "ENABLED",
        "payload": {"format": "JSON", "schemaVersion": _version(topic), "deliveryProtocol": "HTTPS"},
        "destinationId": destination_id,
    }
    known = _subscription(client, topic_id, app=ours)
    if known is None:
        try:
            return client.create_subscription(wanted, app=ours)
        except Rejected as error:
            known = _subscription(client, topic_id, app=ours) if error.code == errors.SUBSCRIPTION_EXISTS else None
            if known is None:
                raise
    subscription_id = text(known, "subscriptionId")
    if text(known, "destinationId") != destination_id or text(known, "status") != "ENABLED":
        change = {key: value for key, value in wanted.items() if key != "topicId"}
        client.update_subscription(subscription_id, change, app=ours)
    return subscription_id


def _subscription(client: Client, topic_id: str, *, app: bool) -> dict[str, Any] | None:
    return next((line for line in client.subscriptions(app=app) if line.get("topicId") == topic_id), None)


def _version(topic: dict[str, Any]) -> str:
    """Return the newest payload version that is not on its way out."""
    offered = each(topic, "supportedPayloads")
    current = [text(line, "schemaVersion") for line in offered if line.get("deprecated") is not True]
    versions = [version for version in current or [text(line, "schemaVersion") for line in offered] if version]
    return max(versions, key=_by_number, default="1.0")


def _by_number(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split(".") if number.isdecimal())
