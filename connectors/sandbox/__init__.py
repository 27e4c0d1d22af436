"""The pretend marketplaces and stores: one asyncio process without Django that speaks the platforms' own wire formats.

A product feature (try before you connect) as well as the test double. It imports nothing of the product it is used to
judge. Users read `docs/sandbox.md`; programs use the control API under `/_control`.
"""

from __future__ import annotations
