"""A visitor of the sandbox's pages whose browser runs no script."""

from __future__ import annotations

import re

import requests


class Browser:
    """Keeps cookies, and sends the form token of the page it saw last."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.csrf = ""

    def get(self, path: str) -> str:
        answer = self.http.get(self.url + path, timeout=10)
        assert answer.status_code == 200, answer.text
        found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
        self.csrf = found[1] if found else self.csrf
        return answer.text

    def post(self, path: str, **form: str) -> str:
        answer = self.http.post(self.url + path, data={"csrf": self.csrf, **form}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.text
