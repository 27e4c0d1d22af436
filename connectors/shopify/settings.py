"""What Shopify needs to be told: where it is, and who our application is there."""

from __future__ import annotations

import secrets

from connectors.contract.settings import Address, PlatformSettings, Value

SCOPES = (
    "read_products",
    "read_inventory",
    "read_locations",
    "read_orders",
    "write_orders",
    "read_merchant_managed_fulfillment_orders",
    "write_merchant_managed_fulfillment_orders",
    "read_fulfillments",
)
"""What our calls need (the access texts in Shopify's schema); settings may add to it."""

SETTINGS = PlatformSettings(
    addresses={
        "shop": Address("SALESTIO_URL_SHOPIFY", "https://{shop}", "/shopify/{shop}"),
        "admin": Address("SALESTIO_URL_SHOPIFY_ADMIN", "https://{shop}/admin", "/shopify/{shop}/admin"),
        "app_store": Address(
            "SALESTIO_URL_SHOPIFY_APP_STORE", "https://apps.shopify.com/salestio", "/shopify/app-store"
        ),
        "app_bridge": Address(
            "SHOPIFY_APP_BRIDGE_URL", "https://cdn.shopify.com/shopifycloud/app-bridge.js", "/shopify/app-bridge.js"
        ),
    },
    app={
        "client_id": Value("SALESTIO_SHOPIFY_CLIENT_ID", required=True, pretend=lambda: secrets.token_hex(16)),
        "client_secret": Value(
            "SALESTIO_SHOPIFY_CLIENT_SECRET", required=True, pretend=lambda: f"shpss_{secrets.token_hex(16)}"
        ),
        # How our app is called in the address of the store's admin: .../admin/apps/<handle>.
        "handle": Value("SALESTIO_SHOPIFY_APP_HANDLE", "salestio"),
        "scopes": Value("SALESTIO_SHOPIFY_SCOPES", SCOPES),
    },
)
