"""Which e-mail address the store order gets: the five modes of F147."""

from __future__ import annotations

import re

MODES: dict[str, str] = {
    "in_order": "In the order",
    "none": "No email",
    "selected": "With selected email",
    "domain": "With selected custom domain",
    "domain_and_order": "With selected custom domain and order id",
}
LOCAL_PART = re.compile(r"[^A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+")


def buyer_email(mode: str, *, email: str, order_id: str, selected: str = "", domain: str = "") -> str:
    """Return the address for the store order; empty when there is none.

    `selected` is the merchant's fixed address, `domain` their own domain without @. Raises ValueError for another mode.
    """
    if mode == "in_order":
        return email
    if mode == "none":
        return ""
    if mode == "selected":
        return selected
    if mode == "domain":
        local = email.partition("@")[0]
        return f"{local}@{domain}" if local and domain else ""
    if mode == "domain_and_order":
        return f"{LOCAL_PART.sub('-', order_id)}@{domain}" if domain else ""
    raise ValueError(f"{mode!r} is none of the e-mail modes {', '.join(MODES)}")
