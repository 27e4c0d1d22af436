"""What the processes of one run are told: random credentials of a data directory, and the environment made of them."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Any

DEMO_MERCHANTS = {"northpine": "owner@northpine.example", "harbour": "owner@harbour.example"}
"""Slug → the demo owner's login. `.example` is reserved, so no mail can ever leave for it."""

# The sandbox's SQS face names its queue like this (`/_control/endpoints`, clients.sqs; a test compares).
QUEUE_PATH = "/sqs/000000000000/salestio-notifications"
QUEUE_ARN = "arn:aws:sqs:us-east-1:000000000000:salestio-notifications"

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "PYTHONPATH", "SSL_CERT_FILE")
"""What children keep of our environment, besides every name this product reads (`OURS`)."""
OURS = ("SALESTIO_", "SHOPIFY_", "BRAND_NAME", "RECOVERY", "DATABASE_", "REDIS_URL", "SECRET_KEY", "CELERY_", "DJANGO_")


def make_credentials() -> dict[str, Any]:
    """Return new random credentials of a data directory, in the form of its `credentials.json`."""

    def word(size: int = 24) -> str:
        return secrets.token_urlsafe(size)

    return {
        "secret_key": word(48),
        "credential_keys": [base64.urlsafe_b64encode(os.urandom(32)).decode()],
        "search_key": word(32),
        "postgres": {"owner_password": word(), "app_password": word()},
        "redis_password": word(),
        "amazon": {
            "client_id": f"amzn1.application-oa2-client.{secrets.token_hex(16)}",
            "client_secret": f"amzn1.oa2-cs.v1.{secrets.token_hex(32)}",
            "application_id": f"amzn1.sp.solution.{secrets.token_hex(16)}",
            "aws_access_key_id": "AKIA" + secrets.token_hex(8).upper(),
            "aws_secret_access_key": secrets.token_urlsafe(30),
        },
        "shopify": {"client_id": secrets.token_hex(16), "client_secret": f"shpss_{secrets.token_hex(16)}"},
        "merchants": {
            slug: {"login": login, "password": word(12), "api_token": f"sal_{word(32)}"}
            for slug, login in DEMO_MERCHANTS.items()
        },
        "admin": {"login": "support@salestio.example", "password": word(12)},
    }


def credentials_of(directory: Path) -> dict[str, Any]:
    """Return the credentials of a data directory, made at first use (mode 0600).

    Raises ValueError with one sentence when the file cannot be read as what it was.
    """
    path = directory / "credentials.json"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        write_private(path, json.dumps(make_credentials(), indent=1))
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except ValueError:
        raise ValueError(f"{path} cannot be read; start with --fresh, or put the file back.") from None
    missing = sorted(make_credentials().keys() - found.keys())
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}; start with --fresh, or put the file back.")
    return found


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, all of it or nothing."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text + "\n")
    draft.replace(path)


def environment(
    credentials: dict[str, Any],
    *,
    mode: str,
    web: str,
    sandbox: str,
    database: str,
    owner: str,
    redis: str,
    data: Path,
) -> dict[str, str]:
    """Return the whole environment of our children.

    `web`, `sandbox` are base URLs without a last slash, `database`, `owner` postgresql:// and `redis` redis:// URLs.
    What the person who typed `./run` has set wins where it is a choice (a platform's address, a brand name), not where
    it is a fact of this run.
    """
    inherited = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith(OURS)}
    amazon, shopify = credentials["amazon"], credentials["shopify"]
    choices = {
        "SALESTIO_URL_AMAZON_NA": f"{sandbox}/amazon/na",
        "SALESTIO_URL_AMAZON_EU": f"{sandbox}/amazon/eu",
        "SALESTIO_URL_AMAZON_FE": f"{sandbox}/amazon/fe",
        "SALESTIO_URL_AMAZON_LWA": f"{sandbox}/amazon/lwa",
        "SALESTIO_URL_AMAZON_SQS": f"{sandbox}/sqs",
        "SALESTIO_URL_AMAZON_SELLER_CENTRAL": f"{sandbox}/amazon/sellercentral/{{region}}",
        "SALESTIO_URL_SHOPIFY": f"{sandbox}/shopify/{{shop}}",
        "SALESTIO_URL_SHOPIFY_ADMIN": f"{sandbox}/shopify/{{shop}}/admin",
        "SALESTIO_URL_SHOPIFY_APP_STORE": f"{sandbox}/shopify/app-store",
        "SHOPIFY_APP_BRIDGE_URL": f"{sandbox}/shopify/app-bridge.js",
        "SALESTIO_AMAZON_SQS_QUEUE_URL": f"{sandbox}{QUEUE_PATH}",
        "SALESTIO_AMAZON_SQS_QUEUE_ARN": QUEUE_ARN,
        "SALESTIO_AWS_REGION": "us-east-1",
        "BRAND_NAME": "Salestio",
        "SALESTIO_TIMES_DIVISOR": "1",
    }
    facts = {
        "DJANGO_SETTINGS_MODULE": "salestio.settings",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "",
        "SALESTIO_MODE": mode,
        "SALESTIO_DATA_DIR": str(data),
        "SALESTIO_WEB_URL": web,
        "SALESTIO_SANDBOX_URL": sandbox,
        "DATABASE_URL": database,
        "DATABASE_OWNER_URL": owner,
        "REDIS_URL": redis,
        "SECRET_KEY": credentials["secret_key"],
        "SALESTIO_CREDENTIAL_KEYS": ",".join(credentials["credential_keys"]),
        "SALESTIO_SEARCH_KEY": credentials["search_key"],
        "SALESTIO_AMAZON_CLIENT_ID": amazon["client_id"],
        "SALESTIO_AMAZON_CLIENT_SECRET": amazon["client_secret"],
        "SALESTIO_AMAZON_APPLICATION_ID": amazon["application_id"],
        "SALESTIO_AWS_ACCESS_KEY_ID": amazon["aws_access_key_id"],
        "SALESTIO_AWS_SECRET_ACCESS_KEY": amazon["aws_secret_access_key"],
        "SALESTIO_SHOPIFY_CLIENT_ID": shopify["client_id"],
        "SALESTIO_SHOPIFY_CLIENT_SECRET": shopify["client_secret"],
    }
    return {**choices, **inherited, **facts}
