"""Two descriptions of one body: its media types, their schemas and encodings."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flora_contract.diff.facts import alike

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.diff.operations import OperationDiff
    from flora_contract.diff.tree import Node
    from flora_contract.diff.verdicts import Standing


@dataclass(frozen=True)
class ContentDiff:
    """Compares the media types of two bodies."""

    of: OperationDiff
    standing: Standing
    label: str

    def run(self, base: Node, revision: Node) -> None:
        """Note what differs between the `content` of two bodies."""
        old, new = base.get("content"), revision.get("content")
        before = dict(old.items()) if old is not None else {}
        after = dict(new.items()) if new is not None else {}
        gone = [name for name in before if name not in after]
        added = [name for name in after if name not in before]
        for name in before:
            if name in after:
                self._media(name, before[name], after[name])
        for was, now in self._renamed(gone, added):
            gone.remove(was)
            added.remove(now)
            self._name(was, now, before[was], after[now])
            self._media(now, before[was], after[now])
        for name in gone:
            self._add("removed", name, before[name], revision.get("content") or revision)
        for name in added:
            self._add("added", name, base.get("content") or base, after[name])

    @property
    def _is_answer(self) -> bool:
        return self.label.startswith("response")

    def _add(self, action: str, name: str, base: Node, revision: Node) -> None:
        part = "response" if self._is_answer else "request-body"
        self.of.log.add(
            f"{part}-media-type-{action}",
            f"{self.label}: media type {name} {action}",
            base,
            revision,
            self.of.site,
            side=self.standing.side,
            subject=name,
        )

    def _renamed(self, gone: list[str], added: list[str]) -> Iterator[tuple[str, str]]:
        """Media types whose names differ in parameters or in breadth only."""
        if not self._is_answer:
            return
        left = list(added)
        for was in list(gone):
            for now in left:
                if _related(was, now):
                    yield was, now
                    left.remove(now)
                    break

    def _name(self, was: str, now: str, base: Node, revision: Node) -> None:
        kind = "changed"
        if _wider(was, now):
            kind = "specialized"
        elif _wider(now, was):
            kind = "generalized"
        self.of.log.add(
            f"response-media-type-name-{kind}",
            f"{self.label}: media type {was} is now called {now}",
            base,
            revision,
            self.of.site,
            side=self.standing.side,
        )

    def _media(self, name: str, base: Node, revision: Node) -> None:
        old, new = base.get("schema"), revision.get("schema")
        label = f"{self.label}, {name}"
        if old is not None and new is not None:
            standing = replace(self.standing, typed=_is_json(name))
            self.of.log.schema(old, new, standing, self.of.site, label)
        elif old is not None or new is not None:
            action = "removed" if new is None else "added"
            self.of.log.add(
                f"{self.standing.side}-body-media-type-schema-{action}",
                f"{label}: schema {action}",
                old or base,
                new or revision,
                self.of.site,
                side=self.standing.side,
            )
        if not alike(base.value.get("encoding"), revision.value.get("encoding")):
            self.of.log.add(
                f"{self.standing.side}-body-encoding-changed",
                f"{label}: encoding differs",
                base.get("encoding") or base,
                revision.get("encoding") or revision,
                self.of.site,
                side=self.standing.side,
            )
        self.of.log.words(base, revision, self.of.site, {"schema", "encoding"})


def _is_json(media_type: str) -> bool:
    name = media_type.partition(";")[0].strip().lower()
    return name == "application/json" or name.endswith("+json")


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _related(one: str, two: str) -> bool:
    return _bare(one) == _bare(two) or _wider(one, two) or _wider(two, one)


def _wider(wide: str, narrow: str) -> bool:
    """Whether every body of one media type is one of the other: `application/*`, `application/xml`
    over `application/problem+xml`, no parameters over some."""
    one, two = _bare(wide), _bare(narrow)
    if one == two:
        parameters = [set(re.findall(r";\s*([^;]+?)\s*(?=;|$)", name)) for name in (wide, narrow)]
        return parameters[0] < parameters[1]
    main, _, sub = one.partition("/")
    other_main, _, other_sub = two.partition("/")
    if one == "*/*" or (main == other_main and sub == "*"):
        return True
    return main == other_main and other_sub.endswith(f"+{sub}")
