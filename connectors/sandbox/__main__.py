"""Run the sandbox: `python -m connectors.sandbox --port S --data DIR --credentials FILE --web URL`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

from connectors.sandbox import amazon, control, pages, server, shopify, traffic
from connectors.sandbox.amazon.buying import Buyers
from connectors.sandbox.amazon.common import AMAZON
from connectors.sandbox.shopify.control import ShopifyControl


def read_credentials(path: Path) -> dict[str, Any]:
    """Return the run's credentials. Exits with a sentence when they cannot be read or lack something."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"The sandbox cannot read {path}: {error}")
    wanted = {
        "amazon": ("client_id", "client_secret", "application_id", "aws_access_key_id", "aws_secret_access_key"),
        "shopify": ("client_id", "client_secret"),
    }
    for platform, names in wanted.items():
        for name in names:
            if not isinstance(found, dict) or not found.get(platform, {}).get(name):
                sys.exit(f"{path} lacks {platform}.{name}.")
    return dict(found)


def make(
    data: Path, credentials: dict[str, Any], *, port: int, web_url: str, with_traffic: bool, host: str = "127.0.0.1"
) -> web.Application:
    """Return the whole sandbox as one application."""
    app = server.make_app(
        data, credentials, base_url=f"http://{host}:{port}", web_url=web_url, setups=[amazon.setup, shopify.setup]
    )
    buyers = app[control.BUYERS] = Buyers(app[AMAZON], random.Random())
    app[control.STORES] = ShopifyControl(app[server.CORE].world)
    traffic.setup(app, buyers, allowed=with_traffic)
    control.setup(app)
    pages.setup(app)
    return app


def main() -> None:
    """Read the arguments and serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m connectors.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--data", type=Path, required=True, help="directory of the journal and of mail/")
    parser.add_argument("--credentials", type=Path, required=True)
    parser.add_argument("--web", default="http://127.0.0.1:8000", help="address of the product's own pages")
    parser.add_argument("--no-traffic", action="store_true", help="no orders but those placed by hand")
    options = parser.parse_args()
    if os.environ.get("SALESTIO_MODE") == "production":
        sys.exit("The sandbox does not run in production (SALESTIO_MODE).")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    app = make(
        options.data,
        read_credentials(options.credentials),
        port=options.port,
        web_url=options.web,
        with_traffic=not options.no_traffic,
    )
    web.run_app(app, host=options.host, port=options.port, access_log=None, print=None, shutdown_timeout=0.5)


if __name__ == "__main__":
    main()
