"""What code can add to the statements: what is particular to one kind of one API."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flora_contract.mock.http.messages import HTTPRequest, HTTPResponse
    from flora_contract.mock.state.entities import Entity
    from flora_contract.mock.state.store import Store
    from flora_contract.mock.views import Shown


class Handler:
    """What is particular to a kind: nothing. A subclass says more.

    `shown` are members of answers that it makes, by their paths. `files` are requests below a path
    that it answers.
    """

    shown: Mapping[str, Shown] = {}
    files: Mapping[str, Callable[[Store, HTTPRequest], HTTPResponse]] = {}

    def begin(self, entity: Entity, referred: Mapping[str, Entity]) -> None:
        """Decide what becomes of an entity that is about to be created.

        Its `members` are those of the request; `final`, `cost` and `facts` can be changed.
        `referred` are the entities that it refers to, by the member of the request.
        """

    def about(self, entity: Entity) -> tuple[str, str]:
        """What people call it, and a word on it."""
        return entity.id, entity.kind

    def exhibits(self, entity: Entity) -> list[tuple[str, str]]:  # noqa: ARG002 - none, here
        """What it has made: `img`, `video`, `audio`, `a` or `text`, and its URL or text."""
        return []
