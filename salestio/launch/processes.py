"""Operating system details of child processes, in one place."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
LINUX: bool = os.uname().sysname == "Linux"


def _prctl() -> Callable[[int, int], int] | None:
    if not LINUX:
        return None
    library = ctypes.CDLL(None, use_errno=True)
    return lambda option, value: int(library.prctl(option, value, 0, 0, 0))


# Loaded once, before any fork: a child must not load libraries between fork and exec.
_PRCTL = _prctl()


def die_with_parent(number: int = signal.SIGTERM) -> Callable[[], None]:
    """Return a `preexec_fn` that has the kernel send the signal to the child when the thread that started it ends.

    Linux only; elsewhere the pid file finds what was left behind at the next start.
    """
    parent = os.getpid()

    def in_child() -> None:
        if _PRCTL is None:
            return
        _PRCTL(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            # The parent ended between fork and prctl; nobody would tell us any more.
            os._exit(1)

    return in_child


def started_at(pid: int) -> str:
    """Return a mark of when the process started, '' when there is none. With the pid it names a process for good."""
    if LINUX:
        with contextlib.suppress(OSError, IndexError):
            stat = Path(f"/proc/{pid}/stat").read_text()
            fields = stat[stat.rindex(")") + 2 :].split()
            return "" if fields[0] in ("Z", "X") else fields[19]
        return ""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return "unknown"
    except ProcessLookupError:
        return ""
    return "unknown"


def signal_group(leader: int, number: int) -> None:
    """Send the signal to the process group; nothing happens when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def group_members(leader: int) -> list[int]:
    """Return the pids of a process group, the leader first. Off Linux only the leader is known."""
    members = [leader]
    if not LINUX:
        return members
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == leader:
            continue
        with contextlib.suppress(OSError, IndexError, ValueError):
            stat = Path(f"/proc/{entry}/stat").read_text()
            fields = stat[stat.rindex(")") + 2 :].split()
            if int(fields[2]) == leader and fields[0] not in ("Z", "X"):
                members.append(int(entry))
    return members


def wait_gone(leaders: Iterable[int], seconds: float) -> bool:
    """Wait until none of the processes runs any more; say whether that came true in time."""
    waiting = set(leaders)
    end = time.monotonic() + seconds
    while waiting and time.monotonic() < end:
        waiting = {pid for pid in waiting if started_at(pid)}
        if waiting:
            time.sleep(0.05)
    return not waiting


def proportional_memory(pids: Iterable[int]) -> int:
    """Return the sum of PSS of the processes in kB (Linux), 0 where it cannot be read."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total
