"""A network between a mock and its database, for scripts/bench_mock.py: a delay for what is sent.

python scripts/bench_mock_far.py PORT TARGET_PORT MILLISECONDS
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial

import uvloop


class End(asyncio.Protocol):
    """One end of a connection; what it receives the other one sends, after the delay."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.other: End | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self.delay, self.pass_on, data)

    def pass_on(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class Front(End):
    """The end that a client sees."""

    def __init__(self, target: int, delay: float) -> None:
        super().__init__(delay)
        self.target = target

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        transport.pause_reading()  # type: ignore[attr-defined]
        self.task = asyncio.get_running_loop().create_task(self.connect())

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        make = partial(End, self.delay)
        _, self.other = await loop.create_connection(make, "127.0.0.1", self.target)
        self.other.other = self
        assert self.transport is not None
        self.transport.resume_reading()


async def main(port: int, target: int, milliseconds: float) -> None:
    loop = asyncio.get_running_loop()
    make = partial(Front, target, milliseconds / 2000)  # there and back
    server = await loop.create_server(make, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
