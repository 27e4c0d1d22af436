"""A program that holds a merchant's API token."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from accounts import authentication
from tests.factories import Cast


@dataclass
class Program:
    """Calls the REST API with a bearer token; bodies are JSON."""

    token: str
    client: Client

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the response to a call below /api/v1."""
        content = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
        return self.client.generic(
            method, f"/api/v1{path}", content, content_type="application/json",
            headers={"authorization": f"Bearer {self.token}"} | {k.replace("_", "-"): v for k, v in headers.items()},
        )  # fmt: skip

    def get(self, path: str) -> Any:
        """Return the answer's JSON; the call must succeed."""
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.content
        return answer.json()


@pytest.fixture
def program_of() -> Callable[..., Program]:
    """A program with a token of that merchant."""

    def make(cast: Cast, role: str = "manager") -> Program:
        _, text = authentication.issue(merchant_id=cast.id, name="warehouse", role=role)
        return Program(text, Client())

    return make


@pytest.fixture
def api(merchant: Cast, program_of: Callable[..., Program]) -> Program:
    """A program of the merchant."""
    return program_of(merchant)
