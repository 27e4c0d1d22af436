"""The look after connecting (F9): what must be right at eBay, each as a sentence and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from connectors import checks
from connectors.contract.errors import AccessDenied, AuthorizationExpired, ConnectorError
from connectors.contract.types import Finding
from connectors.ebay import sites
from connectors.ebay.client import Client
from connectors.ebay.mapping import iso
from connectors.reading import count, nested, number, part, text

POLICIES = "SELLING_POLICY_MANAGEMENT"
OUT_OF_STOCK = "OUT_OF_STOCK_CONTROL"


def look(client: Client, seller_key: str) -> list[Finding]:
    """Return the findings. Raises `ConnectorError` when not even the seller can be read."""
    found = _seller(client, seller_key)
    for code, read in (("orders", _orders), ("programs", _programs), ("selling_limits", _limits)):
        found += _tried(code, read, client)
    found.append(checks.clock("eBay", client.clock_offset))
    return found


def _tried(code: str, read: Callable[[Client], list[Finding]], client: Client) -> list[Finding]:
    try:
        return read(client)
    except AuthorizationExpired:
        raise
    except AccessDenied as error:
        what = error.message.rstrip(".")
        fix = "Connect the account again and agree to all permissions on eBay's page."
        return [Finding(code, False, f"eBay does not let us look at this: {what}.", fix)]
    except ConnectorError as error:
        return [checks.not_now(code, error.message)]


def _seller(client: Client, seller_key: str) -> list[Finding]:
    user = client.user()
    name, status = text(user, "username"), text(user, "status").upper()
    home = sites.BY_ID.get(text(user, "registrationMarketplaceId"))
    same = text(user, "userId") == seller_key
    where = f", registered at {home.name}" if home else ""
    found = [
        Finding(
            "identity",
            same,
            f"eBay answers as {name or 'the seller'}{where}." if same else "eBay answers as another seller.",
            "" if same else "Connect again, signed in at eBay as the seller of this account.",
        )
    ]
    if status == "ACCOUNTONHOLD":
        fix = "Sign in at eBay and follow what it asks there."
        found.append(Finding("account_status", False, "eBay has put this seller's account on hold.", fix))
    elif status == "UNCONFIRMED":
        fix = "Finish the registration at eBay."
        found.append(Finding("account_status", False, "This seller's eBay account is not confirmed yet.", fix))
    elif status:
        found.append(Finding("account_status", True, "The eBay account is in good standing."))
    return found


def _orders(client: Client) -> list[Finding]:
    until = datetime.now(UTC) + min(client.clock_offset, timedelta(0)) - timedelta(seconds=5)
    window = f"lastmodifieddate:[{iso(until - timedelta(days=30))}..{iso(until)}]"
    total = count(client.orders(filter=window, limit=1, offset=0).get("total")) or 0
    words = "1 order" if total == 1 else f"{total} orders"
    return [Finding("orders", True, f"Orders can be read; {words} changed in the last 30 days.")]


def _programs(client: Client) -> list[Finding]:
    on = client.opted_in_programs()
    policies, out_of_stock = POLICIES in on, OUT_OF_STOCK in on
    return [
        Finding(
            "business_policies",
            policies,
            "Business policies are on." if policies else "Business policies are off, so no listings can be made.",
            "" if policies else "Switch on business policies in eBay's account settings.",
        ),
        Finding(
            "out_of_stock",
            out_of_stock,
            "Listings stay when their stock is gone."
            if out_of_stock
            else "A listing whose last unit is sold ends at eBay, and loses its place in search.",
            "" if out_of_stock else "Switch on the out-of-stock option in eBay's selling preferences.",
        ),
    ]


def _limits(client: Client) -> list[Finding]:
    answer = client.privileges()
    if answer.get("sellerRegistrationCompleted") is False:
        fix = "Finish the seller registration at eBay."
        return [Finding("selling_limits", False, "The seller registration at eBay is not complete.", fix)]
    limit = part(answer, "sellingLimit")
    units, amount = count(limit.get("quantity")), number(nested(limit, "amount").get("value"))
    if units is None and amount is None:
        return [Finding("selling_limits", True, "eBay sets no monthly selling limit.")]
    currency = text(part(limit, "amount"), "currency")
    told = [
        f"{units:,} units" if units is not None else "",
        f"{amount:,} {currency}".strip() if amount is not None else "",
    ]
    used_up = units == 0 or amount == 0
    return [
        Finding(
            "selling_limits",
            not used_up,
            f"eBay lets this account sell {' and '.join(word for word in told if word)} a month.",
            "Ask eBay to raise the selling limit." if used_up else "",
        )
    ]
