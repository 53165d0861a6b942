"""What clients sent and what they got, the last of it, for whoever tests them."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from multiprocessing.connection import Client, Listener
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from flora_contract.report.redaction import Redactor

if TYPE_CHECKING:
    from pathlib import Path

    from flora_contract.mock.http.messages import HTTPRequest

KEPT: Final = 1000
"""Exchanges that are kept at most; bytes of their requests, and of the body of one; lengths."""
KEPT_BYTES: Final = 8_000_000
KEPT_BODY: Final = 16_384
KEPT_PROBLEMS: Final = 20
KEPT_LENGTH: Final = 500
SIBLING_SECONDS: Final = 0.5

_redactor = Redactor()


class LoggedExchange(NamedTuple):
    """One exchange. Holds the request as it came; `plain` is what may be shown of it.

    `at` is epoch milliseconds of the mock's clock; `status` 0 is none.
    """

    request: HTTPRequest
    at: int
    operation: str
    status: int
    request_id: str
    problems: list[str]
    fault: str
    resets: int

    def plain(self) -> dict[str, Any]:
        """Without secrets."""
        request = self.request
        target = f"{request.path}?{request.query}" if request.query else request.path
        headers = ((n.decode("latin-1"), v.decode("latin-1")) for n, v in request.fields.items())
        return {
            "request_id": self.request_id,
            "at": self.at,
            "method": request.method,
            "target": _redactor.text(target),
            "operation": self.operation or None,
            "headers": dict(_redactor.headers(headers)),
            "body": _redactor.text(request.body.decode("utf-8", "replace")),
            "status": self.status or None,
            "problems": [_redactor.text(problem) for problem in self.problems],
            "fault": self.fault or None,
        }


def shortened(problems: list[str]) -> list[str]:
    """The first of many problems, each as far as a line goes."""
    more = len(problems) - KEPT_PROBLEMS
    shown = [problem[:KEPT_LENGTH] for problem in problems[:KEPT_PROBLEMS]]
    return [*shown, f"and {more:,} more"] if more > 0 else shown


class RequestLog:
    """The last exchanges of this process, and of its siblings. Nothing of it is written anywhere.

    Processes that share a `folder` tell each other theirs when somebody asks, by sockets in it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._kept: deque[LoggedExchange] = deque()
        self._bytes = 0
        self._folder = folder
        if folder is not None:
            threading.Thread(target=self._tell, args=(folder,), daemon=True).start()

    def add(self, exchange: LoggedExchange) -> None:
        if exchange.problems:
            exchange = exchange._replace(problems=shortened(exchange.problems))
        request = exchange.request
        if len(request.body) > KEPT_BODY:
            request.body = request.body[:KEPT_BODY]
        kept = self._kept
        kept.append(exchange)
        self._bytes += request.head + len(request.body)
        while self._bytes > KEPT_BYTES or len(kept) > KEPT:
            oldest = kept.popleft().request
            self._bytes -= oldest.head + len(oldest.body)

    def since(self, resets: int) -> list[dict[str, Any]]:
        """Those since a reset, oldest first."""
        found = [self._own(resets)]
        for socket in self._folder.iterdir() if self._folder is not None else ():
            if socket.name != str(os.getpid()):
                # One that has ended, or that has other things to do, is left out.
                with contextlib.suppress(OSError, EOFError), Client(str(socket)) as sibling:
                    sibling.send_bytes(b"%d" % resets)
                    if sibling.poll(SIBLING_SECONDS):
                        found.append(orjson.loads(sibling.recv_bytes()))
        return sorted((one for some in found for one in some), key=itemgetter("at"))[-KEPT:]

    def _own(self, resets: int) -> list[dict[str, Any]]:
        return [one.plain() for one in list(self._kept) if one.resets == resets]

    def _tell(self, folder: Path) -> None:
        with Listener(str(folder / str(os.getpid()))) as listener:
            while True:
                with contextlib.suppress(OSError, EOFError), listener.accept() as asking:
                    asking.send_bytes(orjson.dumps(self._own(int(asking.recv_bytes()))))
