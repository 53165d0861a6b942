"""The ledger: every exchange of a run of the suite, or of recorded traffic, and views of them.

A plain object. It sends nothing and judges nothing; oracles are functions over it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.contract import CREATE, GET_RUN, LIST
from flora_contract.conformance.exchange import Exchange

if TYPE_CHECKING:
    from flora_contract.conformance.contract import Contract
    from flora_contract.conformance.exchange import Credential, Request, Response

FINAL = frozenset({"completed", "failed"})
"""Statuses that a run does not leave."""

FILTERS = ("workspace_id", "project_id", "status")


@dataclass(frozen=True)
class Place:
    """A workspace and a project in it."""

    workspace: str
    project: str


@dataclass(frozen=True)
class Facts:
    """What is known about the accounts behind the keys. Empty for recorded traffic."""

    home: Place | None = None
    second: Place | None = None
    foreign: Place | None = None
    failing_model: str | None = None
    wait_seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Observation:
    """A run as one exchange shows it."""

    exchange: Exchange
    source: str  # "create", "retrieve" or "list"
    run_id: str
    body: dict[str, Any]

    @cached_property
    def status(self) -> str | None:
        """The status shown; a creation shows none."""
        status = self.body.get("status")
        return status if isinstance(status, str) else None

    @property
    def final(self) -> bool:
        """Whether the run is shown as ended."""
        return self.status in FINAL

    def get(self, name: str) -> Any:
        """A field's value; None where it is null or absent."""
        return self.body.get(name)


@dataclass(eq=False)
class Run:
    """Everything that was seen of one run, in the order in which it was asked for."""

    run_id: str
    observations: list[Observation] = field(default_factory=list)

    @property
    def creation(self) -> Observation | None:
        """The answer that started the run, if it was recorded."""
        return next((o for o in self.observations if o.source == "create"), None)

    def of(self, source: str) -> list[Observation]:
        """What one operation showed of the run."""
        return [o for o in self.observations if o.source == source]

    @property
    def shown(self) -> list[Observation]:
        """Observations that show a status: all but the creation."""
        return [o for o in self.observations if o.status is not None]


@dataclass(frozen=True, eq=False)
class Page:
    """One page of the history, with what was asked for."""

    exchange: Exchange
    items: list[Observation]
    next_cursor: str | None

    @cached_property
    def filters(self) -> dict[str, str]:
        """The filters asked for, cursor and limit left out."""
        query = self.exchange.request.query
        return {name: query[name][0] for name in FILTERS if name in query}

    @cached_property
    def cursor(self) -> str | None:
        """The cursor asked for."""
        return self.exchange.request.query.get("cursor", [None])[0]

    @cached_property
    def limit(self) -> int | None:
        """The limit asked for, where it is a number."""
        text = self.exchange.request.query.get("limit", [""])[0]
        return int(text) if text.isdecimal() else None


@dataclass(eq=False)
class Walk:
    """Pages joined by their cursors; the first was asked for without one."""

    pages: list[Page]


@dataclass(frozen=True, eq=False)
class Remark:
    """What the checks of schemathesis said of an answer: names of failures, and their texts."""

    exchange: Exchange
    failures: tuple[tuple[str, str], ...]


class Ledger:
    """Exchanges in order, and views of them that grow as they come.

    `replayed` are creations that were answered with the run that their key had started before. Of
    requests that met it cannot be told which one started the run: all count as replayed.
    """

    def __init__(self, contract: Contract, base_url: str, facts: Facts | None = None) -> None:
        self.contract = contract
        self.base_url = base_url
        self.facts = facts or Facts()
        self.exchanges: list[Exchange] = []
        self.runs: dict[str, Run] = {}
        self.pages: list[Page] = []
        self.creations: list[Exchange] = []
        self.replayed: set[Exchange] = set()
        self.remarks: list[Remark] = []
        self.walks: list[Walk] = []
        self._first_under: dict[tuple[str, str, str], Exchange] = {}
        self._open_walks: dict[tuple[str, str, str], Walk] = {}
        self._lock = threading.Lock()

    def record(
        self,
        request: Request,
        response: Response | None,
        *,
        credential: Credential,
        failure: str | None = None,
        started: float = 0.0,
        elapsed: float = 0.0,
        origin: str = "",
    ) -> Exchange:
        """Append an exchange; requests of several threads come in the order of their answers."""
        operation, parameters = self.contract.match(request.method, request.url, self.base_url)
        with self._lock:
            exchange = Exchange(
                number=len(self.exchanges) + 1,
                request=request,
                response=response,
                failure=failure,
                credential=credential,
                operation=operation,
                path_parameters=parameters,
                started=started,
                elapsed=elapsed,
                origin=origin,
            )
            self.exchanges.append(exchange)
            self._index(exchange)
        return exchange

    def _index(self, exchange: Exchange) -> None:
        if exchange.operation in CREATE:
            self.creations.append(exchange)
        if not exchange.succeeded:
            return
        body = exchange.answer_object
        if exchange.operation in CREATE:
            self._observe(exchange, "create", body.get("run_id"), body)
            self._note_replay(exchange, body.get("run_id"))
        elif exchange.operation == GET_RUN:
            # Filed under the id asked for: what the answer calls itself is for an oracle to judge.
            self._observe(exchange, "retrieve", exchange.path_parameters["runId"], body)
        elif exchange.operation == LIST:
            page = self._page(exchange, body)
            self.pages.append(page)
            self._join(page)

    def _note_replay(self, exchange: Exchange, run_id: Any) -> None:
        key = exchange.request.header("Idempotency-Key")
        if key and isinstance(run_id, str):
            account = (exchange.credential.name, str(exchange.operation), key)
            first = self._first_under.setdefault(account, exchange)
            if first is not exchange and first.answer_object.get("run_id") == run_id:
                self.replayed.add(exchange)
                if not first.before(exchange):
                    self.replayed.add(first)

    def _page(self, exchange: Exchange, body: dict[str, Any]) -> Page:
        items = body.get("generations")
        observations = [
            self._observe(exchange, "list", item.get("run_id"), item)
            for item in (items if isinstance(items, list) else [])
            if isinstance(item, dict)
        ]
        meta = body.get("meta")
        cursor = meta.get("next_cursor") if isinstance(meta, dict) else None
        return Page(exchange, observations, cursor if isinstance(cursor, str) and cursor else None)

    def _observe(self, exchange: Exchange, source: str, run_id: Any, body: Any) -> Observation:
        name = run_id if isinstance(run_id, str) else ""
        observation = Observation(exchange, source, name, body)
        if name:
            self.runs.setdefault(name, Run(name)).observations.append(observation)
        return observation

    def _join(self, page: Page) -> None:
        """Append a page to the walk that its cursor goes on, or begin a walk with it."""
        asked = str(sorted(page.exchange.request.question.items()))
        account = page.exchange.credential.name
        if page.cursor is None:
            walk = Walk([page])
            self.walks.append(walk)
        else:
            found = self._open_walks.pop((account, asked, page.cursor), None)
            if found is None:
                return
            walk = found
            walk.pages.append(page)
        if page.next_cursor is not None:
            self._open_walks[account, asked, page.next_cursor] = walk
