"""`python server.py PORT`: a sound server, or one with a fault or trait.

`PUT /_fault/NAME` makes a new one of that name (`sound` for none); `GET /_came` tells what came.
"""

from __future__ import annotations

import sys
from typing import Any

import orjson
import uvicorn
from contracts import CONTRACTS
from operators import Fault, faults
from serving import Application, send_answer
from variants import variant
from world import Answer, Seeds, World


class Switched:
    """An application whose server is made anew on demand."""

    def __init__(self, contract: str) -> None:
        self.behaviour = CONTRACTS[contract]()
        self.faults: dict[str, Fault] = {}
        self.switch("sound")

    def switch(self, name: str) -> None:
        """Another server, to which nothing has come yet."""
        seeds = Seeds.of(self.behaviour)
        if ":" in name:
            self.faults = self.faults or faults(self.behaviour)
            world = World(self.behaviour, seeds, self.faults[name])
            self.application = Application(world.handle)
        else:
            made = variant(self.behaviour, name)
            world = World(self.behaviour, seeds, made, **made.options)
            self.application = Application(made.handling(world))

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"].startswith("/_fault/"):
            self.switch(scope["path"].removeprefix("/_fault/"))
            await send_answer(Answer(200, {}), send, receive)
        elif scope["path"] == "/_came":
            came = [{**vars(r), "body": r.body.decode("latin-1")} for r in self.application.came]
            await send_answer(Answer(200, raw=orjson.dumps(came)), send, receive)
        else:
            await self.application(scope, receive, send)


if __name__ == "__main__":
    uvicorn.run(
        Switched("flora"),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        lifespan="off",
        log_level="critical",
        proxy_headers=False,
    )
