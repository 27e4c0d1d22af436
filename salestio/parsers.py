"""How bodies sent to the REST API are read: JSON, no larger than a form may be, no deeper than Python can follow."""

from __future__ import annotations

import codecs
from email.message import Message
from io import BytesIO
from typing import Any

from django.conf import settings
from rest_framework import exceptions
from rest_framework.parsers import JSONParser


class TooLarge(exceptions.APIException):
    """413: more than we read."""

    status_code = 413
    default_detail = "The body is larger than 2 MB."
    default_code = "too_large"


def _check_charset(media_type: str) -> None:
    """Refuse a charset nobody knows: what it says of the body cannot be believed."""
    header = Message()
    header["content-type"] = media_type
    charset = header.get_content_charset()
    try:
        codecs.lookup(charset or "utf-8")
    except LookupError:
        raise exceptions.UnsupportedMediaType(media_type) from None


class LimitedJSONParser(JSONParser):
    """REST framework's parser reads the stream whole, however long it is, and breaks on JSON nested thousands deep."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return what the body says. Raises `TooLarge` (413), `UnsupportedMediaType` (415) and `ParseError` (400)."""
        _check_charset(media_type or "")
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(most + 1)
        if len(raw) > most:
            raise TooLarge()
        try:
            return super().parse(BytesIO(raw), media_type, parser_context)
        except RecursionError:
            raise exceptions.ParseError("JSON parse error - nested too deeply") from None
