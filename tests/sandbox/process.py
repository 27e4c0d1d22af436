"""A sandbox process that one test starts and kills."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

from salestio.devservices import free_port
from tests.conftest import ROOT
from tests.environment import RUN


class Process:
    """A sandbox of this test's own, with the test run's credentials unless others are given."""

    def __init__(self, data: Path, *arguments: str, credentials: Path | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = data
        self.arguments = arguments
        self.credentials = credentials or RUN.directory / "credentials.json"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "connectors.sandbox", "--port", str(self.port), "--data", str(self.data)]
        command += ["--credentials", str(self.credentials), *self.arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while True:
            try:
                requests.get(f"{self.url}/_control/limits", timeout=5)
                return
            except requests.ConnectionError:
                assert time.monotonic() < end and self.process.poll() is None
                time.sleep(0.05)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/_control{path}", json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()
