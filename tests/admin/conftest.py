"""Support staff in front of two merchants' rows, every personal and secret word of one of them known."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from tests import canaries
from tests.canaries import Planted
from tests.factories import Cast, make_merchant

EMAIL = "support@example.com"


@pytest.fixture
def staff(db: None) -> Client:
    """A signed-in support person, who is no superuser."""
    user = User.objects.create_user(EMAIL, "x", is_staff=True)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def planted(db: None) -> Planted:
    """A merchant with a row in every table."""
    return canaries.plant(make_merchant())


@pytest.fixture
def other(db: None) -> Cast:
    """Another merchant with an order."""
    cast = make_merchant("Harbour & Kiln")
    canaries.save_order(cast, "203-5550000-0000001")
    return cast
