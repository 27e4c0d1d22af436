"""Pages of lists: V3 wraps rows in `data` and `meta.pagination`; V2 answers the bare array, 204 when it is empty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from connectors.sandbox.bigcommerce.errors import Refused, unprocessable

if TYPE_CHECKING:
    from connectors.sandbox.bigcommerce.face import Context

Doc = dict[str, Any]


def _number(context: Context, name: str, default: int) -> int:
    text = context.query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise unprocessable(name, f"{name} must be a positive whole number.")
    return int(text)


def cut(context: Context, rows: Sequence[Any], *, default: int = 50, largest: int = 250) -> Sequence[Any]:
    """Return the rows of the page a V2 query asks for."""
    try:
        page, limit = _number(context, "page", 1), min(_number(context, "limit", default), largest)
    except Refused as refused:
        raise Refused(400, refused.message) from None
    return rows[(page - 1) * limit : page * limit]


def v2(context: Context, rows: Sequence[Any], shape: Callable[[Any], Doc] | None = None) -> list[Doc] | None:
    """Return one page as a V2 list; None (204) when nothing is on it."""
    found = [shape(row) if shape else row for row in cut(context, rows)]
    return found or None


def v3(
    context: Context,
    rows: Sequence[Any],
    shape: Callable[[Any], Doc] | None = None,
    *,
    default: int = 50,
    largest: int = 250,
) -> Doc:
    """Return one page as a V3 answer."""
    page, limit = _number(context, "page", 1), min(_number(context, "limit", default), largest)
    found = [shape(row) if shape else row for row in rows[(page - 1) * limit : page * limit]]
    pages = max(1, -(-len(rows) // limit))
    others = [(name, value) for name, value in context.query.items() if name not in ("page", "limit")]
    tail = "".join(f"&{name}={value}" for name, value in others)
    links = {"current": f"?page={page}&limit={limit}{tail}"}
    if page > 1:
        links["previous"] = f"?page={page - 1}&limit={limit}{tail}"
    if page < pages:
        links["next"] = f"?page={page + 1}&limit={limit}{tail}"
    pagination = {
        "total": len(rows),
        "count": len(found),
        "per_page": limit,
        "current_page": page,
        "total_pages": pages,
        "links": links,
    }
    return {"data": found, "meta": {"pagination": pagination}}


def numbers(context: Context, name: str) -> set[int] | None:
    """Return the whole numbers a filter of several values names, None when it is not given."""
    text = context.query.get(name)
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise unprocessable(name, f"{name} must be a list of whole numbers.")
    return {int(part) for part in parts}


def texts(context: Context, name: str) -> set[str] | None:
    """Return the texts a filter of several values names, None when it is not given."""
    text = context.query.get(name)
    return None if text is None else {part for part in text.split(",") if part}
