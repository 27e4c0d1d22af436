"""What `./run` tells: the line of JSON (CONTROL_API.md) and the friendly summary."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from connectors import registry


def run_line(
    web: str, sandbox: str, merchants: list[dict[str, Any]], admin: dict[str, str], pids: dict[str, list[int]]
) -> dict[str, Any]:
    """Return the line of CONTROL_API.md, "Starting"."""
    return {"web": web, "sandbox": sandbox, "merchants": merchants, "admin": admin, "pids": pids}


def print_summary(line: dict[str, Any], data: Path, seconds: float) -> None:
    """Print where to look and how to sign in."""
    rows = [
        "",
        f"  Ready after {seconds:.1f} s.",
        "",
        f"  Dashboard      {line['web']}/",
        f"  Sandbox        {line['sandbox']}/   pretend marketplaces and stores: be the buyer, break things",
        f"  Support        {line['web']}/admin/   {line['admin']['login']}   {line['admin']['password']}",
        "",
    ]
    for merchant in line["merchants"]:
        rows.append(f"  {merchant['name']}: sign in as {merchant['login']}   {merchant['password']}")
        for store in merchant["stores"]:
            rows.append(f"      its {_admin(store, line['sandbox'])}")
    rows += ["", f"  Data and logs are in {data}. Ctrl-C ends everything.", ""]
    print("\n".join(rows), flush=True)


def _admin(store: dict[str, Any], sandbox: str) -> str:
    platform = registry.platform(store["platform"])
    address = registry.load(platform.settings).addresses["admin"]
    return f"{platform.label} admin   {sandbox}{re.sub(r'{[a-z]+}', store['key'], address.pretend)}"
