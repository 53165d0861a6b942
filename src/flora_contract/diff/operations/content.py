"""Two descriptions of one body: its media types, their schemas and encodings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flora_contract.diff.operations.by_name import mapped
from flora_contract.diff.operations.encoding import compare_encoding
from flora_contract.diff.operations.media_types import MediaType, closest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.diff.operations.pair import OperationPair
    from flora_contract.diff.schemas.usage import Usage
    from flora_contract.openapi.tree import Node

Content = dict[str, "Node"]


@dataclass(frozen=True)
class ContentDiff:
    """Compares the media types of two bodies."""

    of: OperationPair
    usage: Usage
    label: str

    def run(self, base: Node, revision: Node) -> None:
        """Note what differs between the `content` of two bodies."""
        before, after = mapped(base, "content"), mapped(revision, "content")
        gone = [name for name in before if name not in after]
        added = [name for name in after if name not in before]
        for name in before:
            if name in after:
                self._media(name, before[name], after[name])
        for was, now in list(self._renamed(gone, added)):
            gone.remove(was)
            added.remove(now)
            self._name(was, now, before[was], after[now])
            self._media(now, before[was], after[now])
        for name in gone:
            self._gone(name, before[name], after, revision.get("content") or revision)
        for name in added:
            self._added(name, base.get("content") or base, before, after[name])

    @property
    def _is_answer(self) -> bool:
        """Whether the server sends it."""
        return self.usage.side == "response"

    @property
    def _part(self) -> str:
        return "response" if self._is_answer else "request-body"

    def _add(self, kind: str, message: str, base: Node, revision: Node, subject: str) -> None:
        part = self._part
        if self.of.called_by_server and self._is_answer and not kind.startswith("name-"):
            part = "api-callback"  # whoever is called did not ask for a media type
        self.of.add(
            f"{part}-media-type-{kind}",
            f"{self.label}: media type {message}",
            base,
            revision,
            side=self.usage.side,
            subject=subject,
            edit="media type name" if kind.startswith("name-") else "",
        )

    def _gone(self, name: str, base: Node, after: Content, revision: Node) -> None:
        """A media type that is not listed any more, but may lie in a range that is."""
        taking = closest(name, after)
        if taking is not None and not self._is_answer:
            self._add("name-generalized", f"{name} is part of {taking} now", base, revision, name)
        else:
            self._add("removed", f"{name} removed", base, revision, name)
        if taking is not None:
            self._media(taking, base, after[taking])

    def _added(self, name: str, base: Node, before: Content, revision: Node) -> None:
        """A media type that is listed now, and may have lain in a range that was."""
        self._add("added", f"{name} added", base, revision, name)
        taking = closest(name, before)
        if taking is not None:
            self._media(name, before[taking], revision)

    def _renamed(self, gone: list[str], added: list[str]) -> Iterator[tuple[str, str]]:
        """Media types whose names differ in spelling, or for answers in breadth."""
        left = list(added)
        for was in gone:
            for now in left:
                if self._is_renamed(MediaType.of(was), MediaType.of(now)):
                    yield was, now
                    left.remove(now)
                    break

    def _is_renamed(self, was: MediaType, now: MediaType) -> bool:
        if was == now:
            return True
        if not self._is_answer:
            return False
        return was.name == now.name or any(
            one.takes(two) or two.is_kind_of(one) for one, two in ((was, now), (now, was))
        )

    def _name(self, was: str, now: str, base: Node, revision: Node) -> None:
        old, new = MediaType.of(was), MediaType.of(now)
        kind = "changed"
        if old.takes(new) or new.is_kind_of(old):
            kind = "specialized"
        elif new.takes(old) or old.is_kind_of(new):
            kind = "generalized"
        message = f"{was} is now called {now}"
        self._add(f"name-{kind}", message, base, revision, was)
        if old != new and not old.takes(new):
            self._add("name-unasked", message, base, revision, was)

    def _media(self, name: str, base: Node, revision: Node) -> None:
        old, new = base.get("schema"), revision.get("schema")
        label = f"{self.label}, {name}"
        if old is not None and new is not None:
            self.of.log.schema(old, new, self._read_as(name, base, revision), self.of.site, label)
        elif old is not None or new is not None:
            self._schema_moved(label, base, revision)
        compare_encoding(self.of, self.usage, label, name, base, revision)
        self.of.words(base, revision, {"schema", "encoding"})

    def _read_as(self, name: str, *media: Node) -> Usage:
        """How what stands under a media type is judged."""
        kind = MediaType.of(name)
        encodings = [part for one in media for part in (one.value.get("encoding") or {}).values()]
        named = [part.get("contentType", "") for part in encodings if isinstance(part, dict)]
        as_json = any("json" in str(one) or "yaml" in str(one) for one in named)
        return replace(self.usage, typed=kind.is_typed or as_json, typed_parts=kind.has_typed_parts)

    def _schema_moved(self, label: str, base: Node, revision: Node) -> None:
        """A schema that came or went, unless it refuses nothing."""
        old, new = base.get("schema"), revision.get("schema")
        pairs = self.of.log.pairs
        if not (pairs.constrains(base=old) if old else pairs.constrains(revision=new)):
            return
        action = "removed" if new is None else "added"
        self.of.add(
            f"{self.usage.side}-body-media-type-schema-{action}",
            f"{label}: schema {action}",
            old or base,
            new or revision,
            side=self.usage.side,
        )
