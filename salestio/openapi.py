"""What the OpenAPI document says of every operation alike: which problems it may answer, and as what."""

from __future__ import annotations

from typing import Any

PROBLEM = "#/components/schemas/Problem"
READING = {
    "401": "The token is missing, unknown or revoked.",
    "404": "There is no such thing here.",
    "422": "A value makes no sense.",
}
WRITING = {
    "400": "The body cannot be read.", "403": "This token may only read.", "409": "It does not fit how things stand.",
    "413": "The body is larger than 2 MB.", "415": "The body is not JSON.",
}  # fmt: skip


def with_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add every operation's problems, as `application/problem+json`; a postprocessing hook of drf-spectacular."""
    for path in result["paths"].values():
        for method, operation in path.items():
            told = READING if method == "get" else READING | WRITING
            for status, words in told.items():
                operation["responses"].setdefault(status, {"description": words})
            for status, answer in operation["responses"].items():
                if status >= "400":
                    answer["content"] = {"application/problem+json": {"schema": {"$ref": PROBLEM}}}
                    answer["description"] = answer.get("description") or told.get(status, "A problem.")
    return result
