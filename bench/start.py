"""How long a warm `./run` takes, and how much memory everything needs when idle."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench.figures import Figure, family, memory_megabytes
from bench.outside import Running


def measure() -> list[Figure]:
    """Start fresh, end, start again on the same data; then let it idle and add the memory up."""
    with tempfile.TemporaryDirectory(prefix="salestio-bench-") as name:
        directory = Path(name)
        with Running.start(directory=directory) as first:
            fresh = first.start_seconds
        with Running.start(directory=directory, fresh=False) as running:
            warm = running.start_seconds
            time.sleep(15.0)
            assert running.process is not None
            memory = memory_megabytes(family(running.process.pid))
            parts = ", ".join(f"{part} {memory_megabytes(pids):.0f}" for part, pids in _pids(running).items())
    return [
        Figure("warm start", f"{warm:.1f} s", "<= 6 s", warm <= 6.0, f"fresh {fresh:.1f} s"),
        Figure("memory of everything, idle (PSS)", f"{memory:.0f} MB", "<= 550 MB", memory <= 550, parts),
    ]


def _pids(running: Running) -> dict[str, list[int]]:
    return {name: running.pids(name) for name in ("web", "worker", "beat", "listener", "sandbox", "postgres", "redis")}
