"""Etsy's OpenAPI file as a judge of what we send and of what tests pretend Etsy answers. Read, never copied.

openapi-core checks requests (parameters, bodies, both keys) and answers. The file says `default: null` of parameters that
may not be null, which no strict reader takes; those entries are left out on loading. openapi-core knows no OAuth scheme:
what it is on the wire, a bearer token, stands in its place.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from tests.connectors.wire import Asked

FILE = "etsy_openapi_v3_2026-08-17.json"
HOST = "https://openapi.etsy.com"


@cache
def contract(specs: Path) -> OpenAPI:
    """Return Etsy's contract, ready to judge."""
    document = _patched(json.loads((specs / "etsy" / FILE).read_text()))
    document["components"]["securitySchemes"]["oauth2"] = {"type": "http", "scheme": "bearer"}
    return OpenAPI.from_dict(document)


def check_request(specs: Path, asked: Asked) -> None:
    """Fail when this request is none that Etsy describes. The path may begin with the test server's own prefix."""
    contract(specs).validate_request(_request(asked.method, asked.path, asked.query, asked.headers, asked.body))


def check_answer(specs: Path, method: str, path: str, body: Any, status: int = 200) -> None:
    """Fail when this is no answer Etsy describes for that path (query included or not)."""
    parts = urlsplit(path)
    request = _request(method, parts.path, {}, {}, b"")
    response = MockResponse(json.dumps(body).encode(), status_code=status)
    contract(specs).validate_response(request, response)


def _request(method: str, path: str, query: dict[str, str], headers: Any, body: bytes) -> MockRequest:
    kind = headers.get("content-type", "application/json")
    return MockRequest(
        HOST,
        method.lower(),
        path[path.index("/v3/") :],
        args=query,
        headers=dict(headers),
        data=body or None,
        content_type=kind,
    )


def _patched(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _patched(inner) for key, inner in value.items() if not (key == "default" and inner is None)}
    return [_patched(inner) for inner in value] if isinstance(value, list) else value
