"""How the parts of a form are written: `encoding`, and what holds where it says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flora_contract.diff.containment.merging import merged
from flora_contract.diff.operations.by_name import fields, mapped
from flora_contract.diff.operations.media_types import MediaType
from flora_contract.diff.operations.parameter import explode_matters
from flora_contract.openapi.sameness import alike

if TYPE_CHECKING:
    from flora_contract.diff.operations.pair import OperationPair
    from flora_contract.diff.reading.schema import Schema, Schemas
    from flora_contract.diff.schemas.usage import Usage
    from flora_contract.openapi.tree import Node

_STYLE = {"style", "explode", "allowReserved"}


@dataclass(frozen=True)
class FormBody:
    """A body of several named parts: a form, or a multipart message."""

    media: Node
    schemas: Schemas

    @property
    def properties(self) -> dict[str, Schema]:
        """The parts that the schema lists."""
        schema = self.media.get("schema")
        if schema is None:
            return {}
        whole = self.schemas.of(schema)
        whole = merged(whole, self.schemas) or whole
        return {name: self.schemas.of(node) for name, node in whole.properties.items()}

    def part(self, name: str) -> Part:
        """How a part is written."""
        return Part(mapped(self.media, "encoding").get(name), self.properties.get(name))


@dataclass(frozen=True)
class Part:
    """What is said of one part."""

    node: Node | None
    schema: Schema | None

    @property
    def said(self) -> dict[str, Any]:
        """The fields that are given."""
        return self.node.mapping() if self.node is not None else {}

    @property
    def content_types(self) -> list[MediaType]:
        """The media types that it may have."""
        given = self.said.get("contentType")
        names = str(given).split(",") if given else [_usual(self.schema)]
        return [MediaType.of(name.strip()) for name in names]

    @property
    def style(self) -> tuple[str, bool, bool]:
        """Style, whether it explodes, and whether reserved characters are sent as they are."""
        style = str(self.said.get("style", "form"))
        explodes = bool(self.said.get("explode", style == "form"))
        reserved = self.said.get("allowReserved") is True
        return style, explodes and explode_matters(style, self.schema), reserved

    @property
    def headers(self) -> dict[str, Any]:
        """Its headers; that of its media type is told as `contentType`."""
        given = self.said.get("headers")
        found = given if isinstance(given, dict) else {}
        return {name.lower(): one for name, one in found.items() if name.lower() != "content-type"}

    def reads(self, other: Part, *, form: bool) -> bool:
        """Whether what is written as the other one says is read as this one says."""
        styled = form or self.said.keys() & _STYLE or other.said.keys() & _STYLE
        if styled and self.style != other.style:
            return False
        mine = self.content_types
        if not all(
            any(one == two or one.takes(two) for one in mine) for two in other.content_types
        ):
            return False
        return all(
            alike(one, other.headers.get(name))
            for name, one in self.headers.items()
            if name in other.headers or (isinstance(one, dict) and one.get("required") is True)
        )


def compare_encoding(
    of: OperationPair, usage: Usage, label: str, media_type: str, base: Node, revision: Node
) -> None:
    """Note what differs in how parts are written, and whether they are still read."""
    name = MediaType.of(media_type)
    old, new = FormBody(base, of.log.pairs.base), FormBody(revision, of.log.pairs.revision)
    known = old.properties.keys() | new.properties.keys()
    for part, one, two in fields(base, revision, "encoding"):
        if one is not None and two is not None and alike(one.value, two.value):
            continue
        said = name.has_typed_parts and (part in known or not known)
        written, read = old.part(part), new.part(part)
        if usage.side == "response":
            written, read = read, written
        kept = not said or read.reads(written, form=name.main != "multipart")
        of.add(
            f"{usage.side}-body-encoding-{'kept' if kept else 'changed'}",
            f"{label}: encoding of {part} differs",
            one or base.get("encoding") or base,
            two or revision.get("encoding") or revision,
            side=usage.side,
            subject=part,
        )


def _usual(schema: Schema | None) -> str:
    """The media type of a part that says none."""
    if schema is None or schema.types is None:
        return "application/octet-stream"
    if "object" in schema.types:
        return "application/json"
    binary = schema.words.get("format") == "binary" or "contentEncoding" in schema.words
    return "application/octet-stream" if binary else "text/plain"
