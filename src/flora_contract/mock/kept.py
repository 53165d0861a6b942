"""JSON that cannot change any more, made once: of what has ended, and of pages of nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable

    from flora_contract.mock.state.store import Store, World

KEPT_BYTES: Final = 8_000_000


class FinalJSON:
    """JSON by all that it depends on, beside the world; forgotten when that changes, or it is much.

    A change of the world may be an update, or a reset after which the same ids are of others.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._forget()

    def get(self, known: Hashable) -> bytes | None:
        if self._world is not self._store.world:
            self._forget()
        return self._made.get(known)

    def keep(self, known: Hashable, made: bytes, world: World) -> None:
        """`world` is what it was made of: another request may have seen the next meanwhile."""
        if world is not self._world:
            return
        if self._bytes > KEPT_BYTES:
            self._forget()
        self._made[known] = made
        self._bytes += len(made)

    def _forget(self) -> None:
        self._world = self._store.world
        self._made: dict[Hashable, bytes] = {}
        self._bytes = 0
