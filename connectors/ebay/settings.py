"""What eBay needs to be told: where it is, and who our application is there."""

from __future__ import annotations

import secrets

from connectors.contract.settings import Address, PlatformSettings, Value

_SCOPE = "https://api.ebay.com/oauth/api_scope"

SCOPES = (
    _SCOPE,
    f"{_SCOPE}/sell.fulfillment",
    f"{_SCOPE}/sell.inventory",
    f"{_SCOPE}/sell.account",
    f"{_SCOPE}/sell.finances",
    f"{_SCOPE}/commerce.identity.readonly",
    f"{_SCOPE}/commerce.notification.subscription",
)
"""What sellers are asked for: orders, stock, policies, refunds (which want finances), who they are, notifications."""

SETTINGS = PlatformSettings(
    addresses={
        "api": Address("SALESTIO_URL_EBAY_API", "https://api.ebay.com", "/ebay/api"),
        "apiz": Address("SALESTIO_URL_EBAY_APIZ", "https://apiz.ebay.com", "/ebay/apiz"),
        "auth": Address("SALESTIO_URL_EBAY_AUTH", "https://auth.ebay.com", "/ebay/auth"),
        # {domain} is the site's (ebay.co.uk), {order} the order's id.
        "hub": Address(
            "SALESTIO_URL_EBAY_HUB", "https://www.{domain}/mesh/ord/details?orderid={order}", "/ebay/hub/orders/{order}"
        ),
    },
    app={
        "client_id": Value(
            "SALESTIO_EBAY_CLIENT_ID", required=True, pretend=lambda: f"Salestio-connect-PRD-{secrets.token_hex(12)}"
        ),
        "client_secret": Value(
            "SALESTIO_EBAY_CLIENT_SECRET", required=True, pretend=lambda: f"PRD-{secrets.token_hex(20)}"
        ),
        # eBay's name for our callback address, given where the application is registered.
        "ru_name": Value(
            "SALESTIO_EBAY_RU_NAME", required=True, pretend=lambda: f"Salestio-Salestio-connect-{secrets.token_hex(4)}"
        ),
        # 32 to 80 letters, digits, _ and -; proves to eBay that our notification address is ours.
        "verification_token": Value(
            "SALESTIO_EBAY_VERIFICATION_TOKEN", required=True, pretend=lambda: secrets.token_urlsafe(36)
        ),
        # Where eBay writes when our notification address does not answer; it accepts no address of ours without one.
        "alert_email": Value("SALESTIO_EBAY_ALERT_EMAIL", pretend=lambda: "ebay-alerts@salestio.example"),
        # eBay limits our whole application by the day; ordinary sweeps are paced for this many sellers.
        "planned_sellers": Value("SALESTIO_EBAY_PLANNED_SELLERS", 100),
        "scopes": Value("SALESTIO_EBAY_SCOPES", SCOPES),
    },
)
