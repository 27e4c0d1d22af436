"""What the environment says becomes a configuration; what is made up for the sandbox fits eBay's own rules."""

from __future__ import annotations

import re

from connectors.contract.settings import AppSettings
from connectors.ebay.config import from_app
from connectors.ebay.settings import SCOPES, SETTINGS
from connectors.http import Deadlines


def test_pretend_values_make_a_configuration_of_the_sandbox() -> None:
    app = {name: value.pretend() if value.pretend else value.default for name, value in SETTINGS.app.items()}
    urls = {name: f"http://127.0.0.1:1{address.pretend}" for name, address in SETTINGS.addresses.items()}

    config = from_app(
        AppSettings(urls=urls, app=app, app_url="http://127.0.0.1:2", app_name="Salestio", deadlines=Deadlines())
    )

    assert config.api == "http://127.0.0.1:1/ebay/api"
    assert config.order_page("14-1", site="UK") == "http://127.0.0.1:1/ebay/hub/orders/14-1"
    assert re.fullmatch(r"[A-Za-z0-9_-]{32,80}", config.verification_token)
    assert (config.scopes, config.planned_sellers, config.app_url) == (SCOPES, 100, "http://127.0.0.1:2")


def test_only_what_an_application_cannot_do_without_is_required() -> None:
    required = {name for name, value in SETTINGS.app.items() if value.required}

    assert required == {"client_id", "client_secret", "ru_name", "verification_token"}
