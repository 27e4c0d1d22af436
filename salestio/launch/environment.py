"""What the processes of one run are told: random credentials of a data directory, and the environment made of them."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Any

from connectors import registry
from connectors.contract.settings import PlatformSettings

DEMO_MERCHANTS = {
    "northpine": "owner@northpine.example",
    "harbour": "owner@harbour.example",
    "lumen": "owner@lumenandloom.example",
}
"""Slug → the demo owner's login. `.example` is reserved, so no mail can ever leave for it."""

# The sandbox's SQS face names its queue like this (`/_control/endpoints`, clients.sqs; a test compares).
QUEUE_PATH = "/sqs/000000000000/salestio-notifications"
QUEUE_ARN = "arn:aws:sqs:us-east-1:000000000000:salestio-notifications"

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "PYTHONPATH", "SSL_CERT_FILE")
"""What children keep of our environment, besides every name this product reads (`OURS`)."""
OURS = ("SALESTIO_", "SHOPIFY_", "BRAND_NAME", "RECOVERY", "DATABASE_", "REDIS_URL", "SECRET_KEY", "CELERY_", "DJANGO_")


def platforms() -> dict[str, PlatformSettings]:
    """Return what each platform's folder declares about its configuration."""
    return {name: registry.load(line.settings) for name, line in registry.PLATFORMS.items()}


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
        **{
            name: {key: value.pretend() for key, value in declared.app.items() if value.pretend}
            for name, declared in platforms().items()
        },
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
    fresh = make_credentials()
    by_platform = (*platforms(), "merchants")
    missing = sorted(fresh.keys() - found.keys() - set(by_platform))
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}; start with --fresh, or put the file back.")
    # A data directory of an older version gets what came since: platforms, their values, demo merchants.
    grown = {name: fresh[name] | found.get(name, {}) for name in by_platform}
    if any(grown[name] != found.get(name) for name in grown):
        found |= grown
        write_private(path, json.dumps(found, indent=1))
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
    choices = {
        **{
            where.env: f"{sandbox}{where.pretend}"
            for declared in platforms().values()
            for where in declared.addresses.values()
        },
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
        **{
            value.env: credentials[platform][name]
            for platform, declared in platforms().items()
            for name, value in declared.app.items()
            if value.pretend
        },
    }
    return {**choices, **inherited, **facts}
