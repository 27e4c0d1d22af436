"""What Amazon needs to be told: where it is, and who our application is there."""

from __future__ import annotations

import secrets

from connectors.contract.settings import Address, PlatformSettings, Value

SETTINGS = PlatformSettings(
    addresses={
        "na": Address("SALESTIO_URL_AMAZON_NA", "https://sellingpartnerapi-na.amazon.com", "/amazon/na"),
        "eu": Address("SALESTIO_URL_AMAZON_EU", "https://sellingpartnerapi-eu.amazon.com", "/amazon/eu"),
        "fe": Address("SALESTIO_URL_AMAZON_FE", "https://sellingpartnerapi-fe.amazon.com", "/amazon/fe"),
        "lwa": Address("SALESTIO_URL_AMAZON_LWA", "https://api.amazon.com", "/amazon/lwa"),
        "sqs": Address("SALESTIO_URL_AMAZON_SQS", "", "/sqs"),
        # Empty outside the sandbox: each site has a Seller Central of its own (sites.py).
        "seller_central": Address("SALESTIO_URL_AMAZON_SELLER_CENTRAL", "", "/amazon/sellercentral/{region}"),
        # Empty outside the sandbox: archives are fetched from `customization_hosts` only.
        "customizations": Address("SALESTIO_URL_AMAZON_CUSTOMIZATIONS", "", "/amazon/customizations"),
    },
    app={
        "client_id": Value(
            "SALESTIO_AMAZON_CLIENT_ID", required=True,
            pretend=lambda: f"amzn1.application-oa2-client.{secrets.token_hex(16)}",
        ),
        "client_secret": Value(
            "SALESTIO_AMAZON_CLIENT_SECRET", required=True,
            pretend=lambda: f"amzn1.oa2-cs.v1.{secrets.token_hex(32)}",
        ),
        "application_id": Value(
            "SALESTIO_AMAZON_APPLICATION_ID", required=True,
            pretend=lambda: f"amzn1.sp.solution.{secrets.token_hex(16)}",
        ),
        "queue_url": Value("SALESTIO_AMAZON_SQS_QUEUE_URL"),
        "queue_arn": Value("SALESTIO_AMAZON_SQS_QUEUE_ARN"),
        "aws_access_key_id": Value("SALESTIO_AWS_ACCESS_KEY_ID", pretend=lambda: "AKIA" + secrets.token_hex(8).upper()),
        "aws_secret_access_key": Value("SALESTIO_AWS_SECRET_ACCESS_KEY", pretend=lambda: secrets.token_urlsafe(30)),
        "aws_region": Value("SALESTIO_AWS_REGION", "us-east-1"),
        # The host of `CustomizedURL` in Amazon's own contract (ordersV0.json).
        "customization_hosts": Value("SALESTIO_AMAZON_CUSTOMIZATION_HOSTS", ("zme-caps.amazon.com",)),
        "seller_limit": Value("SALESTIO_AMAZON_SELLER_LIMIT", 25),
    },
)  # fmt: skip
