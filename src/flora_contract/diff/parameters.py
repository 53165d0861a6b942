"""Two descriptions of one parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flora_contract.diff import lifecycle
from flora_contract.diff.lifecycle import Lifecycle
from flora_contract.diff.media import MediaType
from flora_contract.diff.verdicts import Standing

if TYPE_CHECKING:
    from flora_contract.diff.operations import OperationDiff
    from flora_contract.diff.tree import Node


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation, and whether its path item declares it for all of them."""

    node: Node
    name: str
    location: str
    of_path: bool

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it; headers are told apart without regard to case."""
        return self.location, self.name.lower() if self.location == "header" else self.name

    @property
    def label(self) -> str:
        """What people call it."""
        return f"{self.location} parameter {self.name}"


@dataclass(frozen=True)
class ParameterDiff:
    """Compares two descriptions of one parameter."""

    of: OperationDiff
    base: Parameter
    revision: Parameter

    def run(self) -> None:
        """Note what differs."""
        self._required()
        self._lifecycle()
        self._serialization()
        self._schema()
        self.of.log.words(self.base.node, self.revision.node, self.of.site, _PARAMETER_FIELDS)
        if str(self.base.node.value.get("name")) != str(self.revision.node.value.get("name")):
            self._renamed()

    def _add(self, rule_id: str, message: str, word: str | None = None) -> None:
        base, revision = self.base.node, self.revision.node
        label = self.base.label
        self.of.log.add(
            rule_id,
            f"{label}: {message}",
            (base.get(word) if word else None) or base,
            (revision.get(word) if word else None) or revision,
            self.of.site,
            side="request",
        )

    def _renamed(self) -> None:
        old, new = self.base.node.value.get("name"), self.revision.node.value.get("name")
        if self.base.location == "path":
            self._add("path-parameter-renamed", f"renamed to {new}", "name")
        elif str(old).lower() != str(new).lower():
            self._add("document-field-changed", f"name {old} to {new}", "name")

    def _required(self) -> None:
        was, now = (p.node.value.get("required") is True for p in (self.base, self.revision))
        if was != now:
            kind = "required" if now else "optional"
            self._add(f"request-parameter-became-{kind}", f"is now {kind}", "required")

    def _lifecycle(self) -> None:
        old, new = Lifecycle.of(self.base.node.value), Lifecycle.of(self.revision.node.value)
        stability = Lifecycle.of(self.of.revision.node.value).stability
        outcomes = lifecycle.changed(old, new, self.of.policy, stability)
        for outcome in outcomes:
            detail = f" ({outcome.detail})" if outcome.detail else ""
            kind = _PARAMETER_OUTCOMES.get(outcome.kind, outcome.kind)
            message = outcome.kind.replace("-", " ") + detail
            self._add(f"request-parameter-{kind}", message, "deprecated")

    def _serialization(self) -> None:
        old, new = self.base.node.value, self.revision.node.value
        default = "form" if self.base.location in {"query", "cookie"} else "simple"
        was, now = old.get("style", default), new.get("style", default)
        if was != now:
            self._add("request-parameter-style-changed", f"style {was} to {now}", "style")
        exploded = [explodes(value, self.base.location) for value in (old, new)]
        if exploded[0] != exploded[1] and was == now:
            message = f"explode {exploded[0]} to {exploded[1]}"
            self._add("request-parameter-explode-changed", message, "explode")
        if bool(old.get("allowReserved")) != bool(new.get("allowReserved")):
            self._add(
                "request-parameter-allow-reserved-changed", "allowReserved differs", "allowReserved"
            )
        empty = [value.get("allowEmptyValue") is True for value in (old, new)]
        if empty[0] != empty[1]:
            kind = "added" if empty[1] else "removed"
            message = "may now be empty" if empty[1] else "may no longer be empty"
            self._add(f"request-parameter-allow-empty-value-{kind}", message, "allowEmptyValue")

    def _schema(self) -> None:
        old, new = (next(iter(content_of(p.node)), None) for p in (self.base, self.revision))
        if (old and MediaType.of(old)) != (new and MediaType.of(new)):
            message = f"sent as {old or 'a plain value'} before, as {new or 'a plain value'} now"
            self._add("request-parameter-media-type-changed", message, "content")
        one, two = schema_of(self.base.node), schema_of(self.revision.node)
        if one is None and two is None:
            return
        # Without a schema any value is allowed.
        one = one or self.base.node._replace(value={})
        two = two or self.revision.node._replace(value={})
        standing = Standing(
            "request",
            "parameter",
            typed=old is not None and MediaType.of(old).is_typed,
            location=self.base.location,
            required=self.revision.node.value.get("required") is True,
            exploded=self._explodes,
            listed=old is None and self.of.log.pairs.lists(one, two, exploded=self._explodes),
            stability=Lifecycle.of(self.of.revision.node.value).stability,
        )
        self.of.log.schema(one, two, standing, self.of.site, self.base.label)

    @property
    def _explodes(self) -> bool:
        """Whether a list is sent as one `name=value` for each item."""
        location = self.base.location
        return location in {"query", "cookie"} and explodes(self.revision.node.value, location)


def explodes(parameter: dict[str, object], location: str) -> bool:
    """Whether a list is sent as one `name=value` for each item."""
    default = "form" if location in {"query", "cookie"} else "simple"
    return bool(parameter.get("explode", parameter.get("style", default) == "form"))


def schema_of(node: Node) -> Node | None:
    """The schema of a parameter or a header, whether it has one itself or in its content."""
    schema = node.get("schema")
    content = node.get("content")
    if schema is None and content is not None:
        media = next(iter(content.items()), None)
        schema = media[1].get("schema") if media is not None else None
    return schema


def content_of(node: Node) -> list[str]:
    """The media types under `content` of a parameter or a header; there should be one."""
    content = node.get("content")
    return list(content.mapping()) if content is not None else []


_PARAMETER_FIELDS = {
    *("name", "in", "required", "deprecated", "allowEmptyValue", "style", "explode"),
    *("allowReserved", "schema", "content"),
}
_PARAMETER_OUTCOMES = {
    "deprecated-with-sunset": "deprecated",
    "deprecated-sunset-invalid": "sunset-parse",
}
