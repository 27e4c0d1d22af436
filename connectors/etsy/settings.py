"""What Etsy needs to be told: where it is, and who our application is there."""

from __future__ import annotations

import base64
import secrets

from connectors.contract.settings import Address, PlatformSettings, Value

SCOPES = ("transactions_r", "transactions_w", "listings_r", "listings_w", "shops_r")
"""What sellers are asked for: orders and their tracking, listings and their stock, the shop itself."""

SETTINGS = PlatformSettings(
    addresses={
        "api": Address("SALESTIO_URL_ETSY", "https://openapi.etsy.com", "/etsy"),
        # Etsy's contract has the tokens at openapi.etsy.com, its guide at api.etsy.com: a setting of its own.
        "token": Address("SALESTIO_URL_ETSY_TOKEN", "https://api.etsy.com", "/etsy"),
        "site": Address("SALESTIO_URL_ETSY_SITE", "https://www.etsy.com", "/etsy/site"),
    },
    app={
        "keystring": Value("SALESTIO_ETSY_KEYSTRING", required=True, pretend=lambda: secrets.token_hex(12)),
        "shared_secret": Value("SALESTIO_ETSY_SHARED_SECRET", required=True, pretend=lambda: secrets.token_hex(5)),
        # Given where the webhook endpoint is set up, by hand, in Etsy's developer portal. Etsy gives webhooks to
        # commercial applications only; without them polling does the work.
        "webhook_secret": Value(
            "SALESTIO_ETSY_WEBHOOK_SECRET",
            pretend=lambda: "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        ),
        # Etsy limits our whole application by the day; ordinary sweeps are paced for this many shops.
        "planned_shops": Value("SALESTIO_ETSY_PLANNED_SHOPS", 100),
        "scopes": Value("SALESTIO_ETSY_SCOPES", SCOPES),
    },
)
