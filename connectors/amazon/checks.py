"""The look after connecting (F9): what must be right at Amazon besides the sites, which every marketplace is asked for."""

from __future__ import annotations

from connectors import checks
from connectors.amazon.client import Client
from connectors.contract.errors import AccessDenied
from connectors.contract.types import Finding
from connectors.reading import text


def look(client: Client) -> list[Finding]:
    """Return the findings. Raises `ConnectorError` when Amazon does not answer."""
    return [_plan(client), checks.clock("Amazon", client.clock_offset)]


def _plan(client: Client) -> Finding:
    """Say whether the seller pays for the plan that lets applications in (sellers v1, `getAccount`)."""
    try:
        plan = text(client.account(), "sellingPlan").upper()
    except AccessDenied:
        return Finding("plan", None, "Amazon does not tell this app the selling plan of the account.")
    if plan == "INDIVIDUAL":
        return Finding(
            "plan", False, "The seller account has the Individual plan; Amazon lets apps work with Professional ones.",
            "Change the plan to Professional in Seller Central, under Account info, then press Check again.",
        )  # fmt: skip
    if plan == "PROFESSIONAL":
        return Finding("plan", True, "The seller account has the Professional plan.")
    return Finding("plan", None, f"Amazon names a selling plan that we do not know: {plan or 'none'}.")
