"""Notifications to a client's address: a queue per destination, kept-alive connections, a ladder of retries, faults.

What waits is in the journal, so a killed sandbox goes on delivering after its restart.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp

if TYPE_CHECKING:
    from connectors.sandbox.faults import Faults
    from connectors.sandbox.world import World

PENDING = "webhook_pending"
LADDER = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Seconds before each further try: eight tries in all, as Shopify does over some hours; here over about a minute."""
DEADLINE = 5.0
"""Seconds a receiver has to answer 2xx (Shopify's own deadline)."""
AT_ONCE = 8
"""Deliveries on the way to one destination at the same time."""
KEPT_LATE = 0.1
"""Seconds after which the journal knows at the latest what became of a delivery. A kill in between repeats it, as real
platforms repeat deliveries; a transaction for each would cost as much as its signature."""

OnDead = Callable[[], None]


class Webhooks:
    """Delivers; `deliver` only notes and returns."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._session: aiohttp.ClientSession | None = None
        self._queues: dict[str, asyncio.Queue[str]] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._timers: set[asyncio.TimerHandle] = set()
        self._keeping: asyncio.TimerHandle | None = None
        self._on_dead: dict[str, OnDead] = {}
        self._random = random.Random(29)
        self.delivered = 0
        self.failed = 0
        self._divisor = max(1.0, float(os.environ.get("SALESTIO_TIMES_DIVISOR") or 1))

    async def start(self) -> None:
        """Open the client and take up what was waiting when the process ended."""
        timeout = aiohttp.ClientTimeout(total=DEADLINE)
        self._session = aiohttp.ClientSession(
            timeout=timeout, connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
        )
        for delivery_id in list(self._world.table(PENDING)):
            self._enqueue(delivery_id)

    async def stop(self) -> None:
        """End all deliveries; what was not delivered stays in the journal."""
        for timer in self._timers:
            timer.cancel()
        if self._keeping is not None:
            self._keeping.cancel()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def deliver(
        self,
        destination_url: str,
        headers: dict[str, str],
        body: bytes,
        *,
        platform: str = "",
        topic: str = "*",
        delay: float = 0.0,
        on_dead: OnDead | None = None,
        ladder: tuple[float, ...] | None = None,
    ) -> None:
        """Send a POST soon, with retries; `on_dead` is called when the last try failed (unless there was a restart).

        `ladder` is the platform's own in seconds before each further try, `LADDER` when none is given.

        `platform` and `topic` are what webhook faults are matched with; `delay` is in seconds. The delivery is durable
        with the next commit of the world.
        """
        if self._faults.pick("webhook_drop", platform, topic, body.decode(errors="replace")):
            return
        times = 1
        repeat = self._faults.pick("webhook_repeat", platform, topic)
        if repeat is not None:
            times = max(2, int(repeat["params"].get("times", 2)))
        for _ in range(times):
            shuffle = self._faults.pick("webhook_shuffle", platform, topic)
            late = self.uniform(float(shuffle["params"].get("seconds", 5))) if shuffle else 0.0
            delivery_id = str(self._world.next_id("webhook"))
            doc = {"url": destination_url, "headers": headers, "body": base64.b64encode(body).decode(), "tries": 0}
            if ladder is not None:
                doc["ladder"] = list(ladder)
            self._world.put(PENDING, delivery_id, doc)
            if on_dead is not None:
                self._on_dead[delivery_id] = on_dead
            self._later(delay + late, delivery_id)

    def uniform(self, seconds: float) -> float:
        """Return a random delay up to so many seconds, from the source that shuffles webhooks."""
        return self._random.uniform(0, seconds)

    def waiting(self) -> int:
        """Return how many deliveries are not done."""
        return len(self._world.table(PENDING))

    def forget(self, destination_prefix: str) -> None:
        """Drop what waits for addresses that begin so: a subscription or an app is gone."""
        for delivery_id, doc in list(self._world.table(PENDING).items()):
            if doc["url"].startswith(destination_prefix):
                self._done(delivery_id)

    def _later(self, seconds: float, delivery_id: str) -> None:
        if self._session is None:
            return
        if seconds <= 0:
            self._enqueue(delivery_id)
            return
        loop = asyncio.get_running_loop()

        def due() -> None:
            self._timers.discard(timer)
            self._enqueue(delivery_id)

        timer = loop.call_later(seconds, due)
        self._timers.add(timer)

    def _enqueue(self, delivery_id: str) -> None:
        doc = self._world.table(PENDING).get(delivery_id)
        if doc is None:
            return
        destination = urlsplit(doc["url"]).netloc
        queue = self._queues.get(destination)
        if queue is None:
            queue = self._queues[destination] = asyncio.Queue()
            self._workers += [asyncio.create_task(self._work(queue)) for _ in range(AT_ONCE)]
        queue.put_nowait(delivery_id)

    async def _work(self, queue: asyncio.Queue[str]) -> None:
        while True:
            delivery_id = await queue.get()
            doc = self._world.table(PENDING).get(delivery_id)
            if doc is None:
                continue
            if await self._post(doc):
                self.delivered += 1
                self._done(delivery_id)
            else:
                self._again(delivery_id, doc)
            if self._keeping is None:
                self._keeping = asyncio.get_running_loop().call_later(KEPT_LATE, self._keep)

    def _keep(self) -> None:
        self._keeping = None
        self._world.commit()

    async def _post(self, doc: dict[str, Any]) -> bool:
        assert self._session is not None
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with self._session.post(
                doc["url"], data=base64.b64decode(doc["body"]), headers=doc["headers"], allow_redirects=False
            ) as answer:
                await answer.read()
                return 200 <= answer.status < 300
        return False

    def _again(self, delivery_id: str, doc: dict[str, Any]) -> None:
        self.failed += 1
        doc["tries"] += 1
        ladder = doc.get("ladder") or LADDER
        if doc["tries"] > len(ladder):
            dead = self._on_dead.get(delivery_id)
            self._done(delivery_id)
            if dead is not None:
                dead()
            return
        self._world.put(PENDING, delivery_id, doc)
        self._later(ladder[doc["tries"] - 1] / self._divisor, delivery_id)

    def _done(self, delivery_id: str) -> None:
        self._world.drop(PENDING, delivery_id)
        self._on_dead.pop(delivery_id, None)
