"""Run the sandbox: `python -m connectors.sandbox --port S --data DIR --credentials FILE --web URL`."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from aiohttp import web

from connectors.sandbox import control, pages, server, traffic
from connectors.sandbox.platforms import FOLDERS


def platforms(credentials: dict[str, Any]) -> dict[str, ModuleType]:
    """Return the packages of the pretend platforms these credentials are for, in the order pages show them."""
    return {name: importlib.import_module(f"connectors.sandbox.{name}") for name in FOLDERS if name in credentials}


def read_credentials(path: Path) -> dict[str, Any]:
    """Return the run's credentials. Exits with a sentence when they cannot be read or are incomplete.

    A platform they say nothing about is left out of this run; an incomplete one is a mistake.
    """
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"The sandbox cannot read {path}: {error}")
    if not isinstance(found, dict):
        sys.exit(f"{path} holds no JSON object.")
    known = platforms(found)
    if not known:
        sys.exit(f"{path} has credentials of no platform; known are {', '.join(FOLDERS)}.")
    for platform, package in known.items():
        for name in package.CREDENTIALS:
            if not found[platform].get(name):
                sys.exit(f"{path} lacks {platform}.{name}.")
    return found


def make(
    data: Path, credentials: dict[str, Any], *, port: int, web_url: str, with_traffic: bool, host: str = "127.0.0.1"
) -> web.Application:
    """Return the whole sandbox as one application: every platform the credentials are for."""
    app = server.make_app(
        data,
        credentials,
        base_url=f"http://{host}:{port}",
        web_url=web_url,
        setups=[package.setup for package in platforms(credentials).values()],
    )
    traffic.setup(app, allowed=with_traffic)
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
