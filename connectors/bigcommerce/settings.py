"""What BigCommerce needs to be told: where it is, and who our application is there."""

from __future__ import annotations

import secrets

from connectors.contract.settings import Address, PlatformSettings, Value

SCOPES = (
    "store_v2_orders",
    "store_v2_products_read_only",
    "store_inventory_read_only",
    "store_locations_read_only",
    "store_v2_information_read_only",
    "store_v2_customers",
)
"""What our calls need; they are set in the app's profile in BigCommerce's developer portal and asked for nowhere else.

Names as in BigCommerce's guide to API accounts and OAuth scopes.
"""

SETTINGS = PlatformSettings(
    addresses={
        "api": Address(
            "SALESTIO_URL_BIGCOMMERCE", "https://api.bigcommerce.com/stores/{hash}", "/bigcommerce/stores/{hash}"
        ),
        "login": Address("SALESTIO_URL_BIGCOMMERCE_LOGIN", "https://login.bigcommerce.com", "/bigcommerce/login"),
        "admin": Address(
            "SALESTIO_URL_BIGCOMMERCE_ADMIN",
            "https://store-{hash}.mybigcommerce.com/manage",
            "/bigcommerce/store-{hash}/manage",
        ),
        "app_store": Address(
            "SALESTIO_URL_BIGCOMMERCE_APP_STORE", "https://www.bigcommerce.com/apps/salestio", "/bigcommerce/apps"
        ),
    },
    app={
        "client_id": Value("SALESTIO_BIGCOMMERCE_CLIENT_ID", required=True, pretend=lambda: secrets.token_hex(16)),
        "client_secret": Value(
            "SALESTIO_BIGCOMMERCE_CLIENT_SECRET", required=True, pretend=lambda: secrets.token_hex(32)
        ),
        # The number of our app; it stands in every order we make and in the address of our page in the control panel.
        "app_id": Value(
            "SALESTIO_BIGCOMMERCE_APP_ID", required=True, pretend=lambda: str(10000 + secrets.randbelow(90000))
        ),
    },
)
