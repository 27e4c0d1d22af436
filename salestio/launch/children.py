"""A child process of `./run`: started, watched, started again, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from salestio.launch.processes import die_with_parent, group_members, signal_group

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds before a child that died is started again: doubled at each death in a row."""
STEADY = 10.0
"""A child that lived this many seconds had started well; its death is no sign of a loop."""
TOO_MANY, WITHIN = 5, 60.0
LOG_LIMIT = 10 * 1024 * 1024


@dataclass
class Child:
    """One child. `spawn` starts the process; `stop_signal` and `grace` (seconds) end it."""

    name: str
    spawn: Callable[[], subprocess.Popen[bytes]]
    log: Path
    stop_signal: int = signal.SIGTERM
    grace: float = 10.0
    after_restart: Callable[[], None] | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    again_at: float = field(default=0.0, init=False)
    _deaths: deque[float] = field(default_factory=lambda: deque(maxlen=TOO_MANY), init=False)
    _wait: float = field(default=FIRST_WAIT, init=False)

    def start(self) -> None:
        """Start the process."""
        self.process = self.spawn()
        self.started = time.monotonic()
        self.again_at = 0.0

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pids(self) -> list[int]:
        """The process and what it started, [] when it does not run."""
        return group_members(self.process.pid) if self.process and self.alive else []

    def died(self) -> str:
        """Note the death of the process, end what is left of its group, and return how it ended."""
        process = self.process
        if process is None:
            return "never started"
        # A worker process of a killed server would keep its port.
        signal_group(process.pid, signal.SIGKILL)
        self.process = None
        now = time.monotonic()
        steady = now - self.started >= STEADY
        if steady:
            self._wait = FIRST_WAIT
        else:
            self._deaths.append(now)
        self.again_at = now + self._wait
        self._wait = min(self._wait * 2, LONGEST_WAIT)
        code = process.returncode
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"

    @property
    def in_a_loop(self) -> bool:
        """Whether it died five times within a minute, each time before it had run steadily."""
        return len(self._deaths) == TOO_MANY and self._deaths[-1] - self._deaths[0] <= WITHIN

    def ask_to_end(self) -> None:
        """Send the stop signal and return at once."""
        if self.process and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.stop_signal)

    def end(self, grace: float | None = None) -> None:
        """End the process and its group: the stop signal, then after the grace (seconds) SIGKILL."""
        self.ask_to_end()
        self.wait_ended(self.grace if grace is None else grace)

    def wait_ended(self, grace: float) -> None:
        """Wait for a process that was asked to end; after the grace SIGKILL its group."""
        process = self.process
        if process is None:
            return
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            signal_group(process.pid, signal.SIGKILL)
            process.wait(10)
        signal_group(process.pid, signal.SIGKILL)
        self.process = None

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the child's log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 16384))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-count:])

    def trim_log(self) -> None:
        """Keep the log below its limit: the old half goes to `.1`, the process goes on writing at the start."""
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > LOG_LIMIT:
                self.log.with_suffix(".log.1").write_bytes(self.log.read_bytes())
                os.truncate(self.log, 0)


def python_child(
    name: str, command: list[str], env: dict[str, str], log: Path, cwd: Path, *, grace: float = 10.0
) -> Child:
    """Return a child that runs a program of ours in a process group of its own, its output in `log`."""

    def spawn() -> subprocess.Popen[bytes]:
        with log.open("ab") as out:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=env,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )

    return Child(name, spawn, log, grace=grace)
