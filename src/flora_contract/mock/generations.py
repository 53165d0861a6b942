"""The operations of the contract that have a memory: start a run, look it up, list them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import struct
from typing import TYPE_CHECKING, Any, Final

import orjson

from flora_contract.mock import runs
from flora_contract.mock.contract import check_body, check_parameters
from flora_contract.mock.final import FinalJSON
from flora_contract.mock.messages import Refusal, Response, invalid_field, not_found
from flora_contract.mock.store import (
    Draft,
    DuplicateKeyError,
    Filters,
    NoCreditsError,
    TooFastError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.mock.catalogue import Account, Catalogue, Model
    from flora_contract.mock.contract import Route
    from flora_contract.mock.messages import Request
    from flora_contract.mock.runs import Run
    from flora_contract.mock.store import Store

    Handler = Callable[[Route, Request, dict[str, str]], Response]
    View = Callable[[Run, int, str, str], dict[str, Any]]

DEFAULT_LIMIT: Final = 20
"""Runs on a page when nobody says how many; undocumented, the vendor's own tools use it (SKILL)."""

_CURSOR: Final = struct.Struct(">QQ8s")


class Generations:
    """Handlers of the operations, by operationId in `handlers`."""

    def __init__(self, store: Store, catalogue: Catalogue, base: str) -> None:
        self._store = store
        self._catalogue = catalogue
        self._base = base
        self._final = FinalJSON(store)
        self.handlers: dict[str, Handler] = {
            "createGeneration": self.create,
            "createGenerationRun": self.create,
            "getRun": self.retrieve,
            "listGenerations": self.list,
        }

    def create(self, route: Route, request: Request, path: dict[str, str]) -> Response:
        account = self.caller(request)
        body = request.json()
        check_parameters(route, path, request.query)
        check_body(route, body)
        self._check_place(account, body["workspace_id"], body["project_id"])
        draft = Draft(
            account=account.key,
            workspace_id=body["workspace_id"],
            project_id=body["project_id"],
            model=self._model(body["type"], body.get("model")),
            prompt=body["prompt"],
            operation=route.operation_id,
            key=request.header(b"idempotency-key"),
        )
        try:
            run = self._store.create(draft)
        except DuplicateKeyError:
            raise Refusal(409, "idempotency_duplicate", "Duplicate idempotency key.") from None
        except NoCreditsError:
            raise Refusal(402, "insufficient_credits", "Insufficient credits.") from None
        except TooFastError as error:
            raise rate_limited(error) from None
        view = runs.accepted_view(run, draft.model.seconds, request.origin, self._base)
        return Response(201, orjson.dumps(view))

    def retrieve(self, route: Route, request: Request, path: dict[str, str]) -> Response:
        account = self.caller(request)
        run_id = check_parameters(route, path, request.query)["runId"]
        self._count(account)
        run = self._store.run(run_id)
        if run is None or run.account != account.key:
            raise not_found()
        return Response(200, self._json(runs.run_view, run, self._store.now(), request.origin))

    def list(self, route: Route, request: Request, path: dict[str, str]) -> Response:
        account = self.caller(request)
        values = check_parameters(route, path, request.query)
        filters = Filters(
            account.key,
            values.get("workspace_id", ""),
            values.get("project_id", ""),
            values.get("status", ""),
        )
        limit = values.get("limit", DEFAULT_LIMIT)
        before = self._position(values["cursor"], filters) if "cursor" in values else None
        self._count(account)
        if not _reaches(account, filters):
            return Response(200, _page([], None, 0))
        now, origin = self._store.now(), request.origin
        total = self._store.total(filters, now)
        known = (filters, before, limit, origin, total)
        body = self._final.get(known)
        if body is None:
            # One more than asked for tells whether there is a next page.
            found = self._store.page(filters, before, limit + 1, now)
            shown = found[:limit]
            cursor = self._cursor(shown[-1], filters) if len(found) > limit else None
            items = [self._json(runs.generation_view, run, now, origin) for run in shown]
            body = _page(items, cursor, total)
            # Runs are only added, and stay finished: where there are as many, they are the same.
            if shown and all(run.completed_at <= now for run in shown):
                self._final.keep(known, body)
        return Response(200, body)

    def caller(self, request: Request) -> Account:
        """The account whose key a request carries. Raises Refusal 401."""
        scheme, _, key = request.header(b"authorization").partition(" ")
        found = self._store.world.accounts.get(key.strip())
        if scheme.lower() != "bearer" or found is None:
            raise Refusal(
                401,
                "unauthorized",
                "Invalid API key.",
                headers=(("www-authenticate", "Bearer"),),
            )
        return found

    def _check_place(self, account: Account, workspace_id: str, project_id: str) -> None:
        projects = account.workspaces.get(workspace_id)
        if projects is None:
            others = self._store.world.accounts.values()
            if any(workspace_id in other.workspaces for other in others):
                raise Refusal(403, "forbidden", "Forbidden.")
            raise not_found()
        if project_id not in projects:
            raise not_found()

    def _model(self, kind: str, model_id: str | None) -> Model:
        if model_id is None:
            return self._catalogue.default(kind)
        model = self._catalogue.models.get(model_id)
        if model is None or model.type != kind:
            raise invalid_field(
                "model",
                f'Model "{model_id}" is not available. List models of type {kind} and use an id'
                " from there.",
            )
        return model

    def _count(self, account: Account) -> None:
        try:
            self._store.spend_token(account.key)
        except TooFastError as error:
            raise rate_limited(error) from None

    def _json(self, view: View, run: Run, now: int, origin: str) -> bytes:
        """JSON of a view of a run, made once when the run is finished."""
        known = (view, run.run_id, origin)
        made = self._final.get(known)
        if made is None:
            made = orjson.dumps(view(run, now, origin, self._base))
            if run.completed_at <= now:
                self._final.keep(known, made)
        return made

    def _cursor(self, last: Run, filters: Filters) -> str:
        place = last.created_at, last.seq
        token = _CURSOR.pack(*place, self._seal(place, filters))
        return base64.urlsafe_b64encode(token).decode().rstrip("=")

    def _position(self, cursor: str, filters: Filters) -> tuple[int, int]:
        """Where a page starts. Raises Refusal 400 for a cursor that these filters did not give."""
        try:
            token = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
            created_at, seq, seal = _CURSOR.unpack(token)
        except (ValueError, binascii.Error, struct.error):
            raise invalid_field("cursor", "Not a cursor of this list") from None
        if seal != self._seal((created_at, seq), filters):
            raise invalid_field("cursor", "Not a cursor of this list with these filters")
        return created_at, seq

    def _seal(self, place: tuple[int, int], filters: Filters) -> bytes:
        text = repr((self._store.world.seed, *place, *filters))
        return hashlib.blake2b(text.encode(), digest_size=8).digest()


def rate_limited(error: TooFastError) -> Refusal:
    seconds = str(max(1, math.ceil(error.seconds)))
    return Refusal(429, "rate_limited", "Rate limit exceeded.", headers=(("retry-after", seconds),))


def _reaches(account: Account, filters: Filters) -> bool:
    """Whether any run of the account can pass the filters."""
    if not (filters.workspace_id or filters.project_id):
        return True
    return any(
        filters.workspace_id in {"", workspace}
        and (not filters.project_id or filters.project_id in projects)
        for workspace, projects in account.workspaces.items()
    )


def _page(items: list[bytes], cursor: str | None, total: int) -> bytes:
    meta: dict[str, Any] = {"next_cursor": cursor, "total_estimate": total}
    return b'{"generations":[%b],"meta":%b}' % (b",".join(items), orjson.dumps(meta))
