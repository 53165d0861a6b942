"""Lists: which entities are asked for, in which order, page by page."""

from __future__ import annotations

import base64
import binascii
import hashlib
import random
from typing import TYPE_CHECKING, Any, Final

import orjson

from flora_contract.mock.state.entities import Selection, comparable
from flora_contract.mock.state.store import PageQuery
from flora_contract.openapi.examples import example
from flora_contract.openapi.schemas import put, types

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flora_contract.mock.kept import FinalJSON
    from flora_contract.mock.resources import KeptResource
    from flora_contract.mock.state.entities import Entity, Position
    from flora_contract.mock.state.store import Store, World
    from flora_contract.openapi.behaviour import Listing, OperationBehaviour

DEFAULT_SIZE: Final = 20
"""Items on a page when nobody says how many, and no schema does."""


class CursorError(Exception):
    """A cursor that was not given for this list."""


class Lists:
    """What an operation that lists answers."""

    def __init__(
        self, store: Store, operation: OperationBehaviour, listing: Listing, kept: KeptResource
    ) -> None:
        self._store = store
        self._listing = listing
        self._kept = kept
        endpoint = operation.endpoint
        queries = endpoint.parameters_in("query")
        self._default = None
        if listing.size is not None:
            self._default = queries[listing.size]["schema"].get("default", DEFAULT_SIZE)
        self._path = [(name, kept.stated.path[name]) for name in endpoint.parameters_in("path")]
        self.cursor = listing.cursor or ""
        document, shown = endpoint.document, endpoint.answer_members(endpoint.success)
        given = {
            path.partition(".")[0] for path in (listing.items, listing.next, listing.total) if path
        }
        self._rest = {
            name: example(document, member.schema, random.Random(name))  # noqa: S311 - repeatable
            for name, member in shown.items()
            if member.required and "." not in name and name not in given
        }
        self._ends_with_null = listing.next is not None and "null" in types(
            document, shown[listing.next].schema
        )
        life = kept.stated.life
        self._state = life.state if life is not None else None

    def asked(self, account: str, values: Mapping[str, Any]) -> tuple[Selection, PageQuery]:
        """What a request asks for. Raises CursorError."""
        selection = self._selection(account, values)
        listing = self._listing
        after = None
        if listing.cursor is not None and listing.cursor in values:
            after = self._position(values[listing.cursor], selection)
        offset = values.get(listing.offset, 0) if listing.offset is not None else 0
        limit = values.get(listing.size or "", self._default)
        return selection, PageQuery(after, offset, limit, listing.descending)

    def answer(
        self,
        selection: Selection,
        page: PageQuery,
        now: int,
        origin: str,
        world: World,
        kept: FinalJSON,
        shown: Callable[[Entity, int, str, World], bytes],
    ) -> bytes:
        """The page, made once if everything on it has ended."""
        total = self._store.total(selection, now)
        known = (self, selection, page, origin, total)
        body = kept.get(known)
        if body is None:
            # One more than asked for tells whether there is a next page.
            wanted = page if page.limit is None else page._replace(limit=page.limit + 1)
            found = self._store.page(selection, wanted, now)
            some = found if page.limit is None else found[: page.limit]
            items = b",".join([shown(entity, now, origin, world) for entity in some])
            more = self._cursor(some[-1], selection) if some and len(found) > len(some) else None
            body = self._page(items, more, total)
            # Where there are as many, they are the same: what is changed changes the world, too.
            if all(entity.ended <= now for entity in some):
                kept.keep(known, body, world)
        return body

    def _page(self, items: bytes, cursor: str | None, total: int) -> bytes:
        listing, body = self._listing, dict(self._rest)
        put(body, listing.items, orjson.Fragment(b"[%b]" % items))
        if listing.next is not None and (cursor is not None or self._ends_with_null):
            put(body, listing.next, cursor)
        if listing.total is not None:
            put(body, listing.total, total)
        return orjson.dumps(body)

    def _selection(self, account: str, values: Mapping[str, Any]) -> Selection:
        kind, state = self._kept.kind, ""
        equal: dict[str, Any] = {member: values[name] for name, member in self._path}
        contain = []
        for name, filter_ in self._listing.filters.items():
            if name not in values:
                continue
            if filter_.member == self._state and filter_.match == "equals":
                state = values[name]
            elif filter_.match == "equals":
                equal[filter_.member] = values[name]
            else:
                contain.append((filter_.member, str(values[name])))
        owner = account if self._kept.stated.owner == "account" else ""
        return Selection(
            kind.name,
            owner,
            tuple((m, comparable(equal[m])[0]) for m in kind.members if m in equal),
            tuple(contain),
            state,
        )

    # Cursors: a position, sealed with what is asked for; whose it is, the request says

    def _cursor(self, last: Entity, selection: Selection) -> str:
        sort, seq = self._kept.kind.position(last)
        token = self._seal((sort, seq), selection) + seq.to_bytes(8) + sort
        return base64.urlsafe_b64encode(token).decode().rstrip("=")

    def _position(self, cursor: str, selection: Selection) -> Position:
        try:
            token = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise CursorError("Not a cursor of this list") from None
        position = token[16:], int.from_bytes(token[8:16])
        if token[:8] != self._seal(position, selection):
            raise CursorError("Not a cursor of this list with these filters")
        return position

    def _seal(self, position: Position, selection: Selection) -> bytes:
        text = repr((self._store.world.seed, *position, *selection._replace(owner="")))
        return hashlib.blake2b(text.encode(), digest_size=8).digest()
