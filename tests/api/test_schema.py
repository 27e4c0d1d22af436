"""The REST API does what its OpenAPI document says: schemathesis reads the document and asks every operation (slow)."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts import authentication
from tests import canaries
from tests.factories import make_merchant

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

EXAMPLES = 50
"""An operation. All checks but one run: a document cannot say which cursors, SKUs and ids exist, so that a well-formed request
is refused (422, naming the field) is right here."""


@pytest.fixture
def described(transactional_db: None, redis_url: str) -> Any:
    """The document as it is served, with the application behind it and a merchant's token."""
    planted = canaries.plant(make_merchant())
    _, token = authentication.issue(merchant_id=planted.cast.id, name="schema", role="manager")
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", WSGIHandler())
    return schema, {"Authorization": f"Bearer {token}"}


def test_every_operation_answers_as_it_is_described(described: Any) -> None:
    schema, headers = described
    found = []
    asked = 0

    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

        try:
            check()
        except (Exception, BaseExceptionGroup) as error:
            found.append(f"{operation.method.upper()} {operation.path}: {str(error)[:600]}")

    assert asked >= EXAMPLES
    assert not found, "\n\n".join(found)
