"""One measured figure, said beside its goal, its denominator and the limit profile; and what processes cost."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `ok` None: no goal of its own (a denominator, or something to know)."""

    name: str
    value: str
    goal: str = ""
    ok: bool | None = None
    beside: str = ""
    """The denominator measured in the same run, in words."""
    profile: str = ""

    def line(self) -> str:
        """Return the line a person reads."""
        mark = {True: "ok  ", False: "MISS", None: "    "}[self.ok]
        parts = [f"{mark} {self.name}: {self.value}"]
        parts += [f"goal {self.goal}"] if self.goal else []
        parts += [self.beside] if self.beside else []
        parts += [f"[{self.profile}]"] if self.profile else []
        return " · ".join(parts)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0-1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def cpu_seconds(pids: Sequence[int], *, children: bool = False) -> float:
    """Return the CPU seconds, user and system, these processes have used so far (all threads).

    `children` adds what their ended children used. A process that ended meanwhile counts nothing.
    """
    total = 0.0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11 : 15 if children else 13])) / TICKS
    return total


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it ended while we looked
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def memory_megabytes(pids: Sequence[int]) -> float:
    """Return the processes' proportional share of memory (PSS) in MB: shared pages count once."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024
