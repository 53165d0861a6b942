"""aiohttp as it comes."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

HEADERS = {"authorization": "Bearer sk_live_test", "content-type": "application/json"}


async def main(base: str, body: bytes) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield body[:10]
        yield body[10:]

    async with aiohttp.ClientSession(headers=HEADERS) as session:

        async def ask(method: str, path: str, data: Any = None, **headers: str) -> str:
            async with session.request(method, base + path, data=data, headers=headers) as answer:
                await answer.read()
                return str(answer.status)

        once = {"idempotency-key": "once"}
        print(
            await ask("POST", "/generate", body, **once),
            await ask("POST", "/generate", body, **once),
            await ask("POST", "/generate", chunks()),
            await ask("GET", "/generations?limit=1"),
            await ask("GET", "/nothing"),
            await ask("HEAD", "/generations"),
        )


asyncio.run(main(sys.argv[1], sys.argv[2].encode()))
