"""The test process's own web server is gone when it was stopped, for everybody."""

from __future__ import annotations

import http.client
import threading
from urllib.parse import urlsplit

import pytest

from tests.live import serve

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_connection_that_was_kept_open_gets_no_answer_after_the_end() -> None:
    before = threading.active_count()
    server = serve("127.0.0.1:0")
    keeps = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)
    keeps.request("GET", "/healthz")
    assert keeps.getresponse().read()

    server.stop()

    with pytest.raises((http.client.HTTPException, OSError)):
        keeps.request("GET", "/healthz")
        keeps.getresponse()
    assert threading.active_count() == before
