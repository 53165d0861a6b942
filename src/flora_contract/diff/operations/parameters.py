"""The parameters of one operation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flora_contract.diff.operations import lifecycle
from flora_contract.diff.operations.lifecycle import Lifecycle
from flora_contract.diff.operations.media_types import MediaType
from flora_contract.diff.operations.pair import content_of, schema_of

if TYPE_CHECKING:
    from flora_contract.diff.operations.pair import OperationNode, OperationPair
    from flora_contract.openapi.tree import Node


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

    @property
    def required(self) -> bool:
        """Whether no call goes without it."""
        return self.node.mapping().get("required") is True

    @property
    def style(self) -> str:
        """How its value is written."""
        default = "form" if self.location in {"query", "cookie"} else "simple"
        return str(self.node.value.get("style", default))

    @property
    def explodes(self) -> bool:
        """Whether the parts of its value are written one by one."""
        return bool(self.node.value.get("explode", self.style == "form"))

    @property
    def repeats(self) -> bool:
        """Whether a list is sent as one `name=value` for each item."""
        return self.location in {"query", "cookie"} and self.explodes


def parameters(operation: OperationNode, names: dict[str, str]) -> dict[tuple[str, str], Parameter]:
    """The parameters that hold for an operation; `names` has the old names of renamed path ones."""
    found: dict[tuple[str, str], Parameter] = {}
    for holder, of_path in ((operation.item, True), (operation.node, False)):
        listed = holder.get("parameters")
        for entry in listed.each() if listed is not None else ():
            node = operation.tree.resolve(entry)
            name, location = str(node.mapping().get("name")), str(node.value.get("in"))
            if location == "path":
                name = names.get(name, name)
            parameter = Parameter(node, name, location, of_path)
            found[parameter.key] = parameter
    return found


@dataclass(frozen=True)
class ParametersDiff:
    """Compares the parameters of an operation. `names`: what renamed path parameters were."""

    of: OperationPair
    names: dict[str, str]

    def run(self) -> None:
        """Note which came and went, and what differs in the others."""
        old, new = parameters(self.of.base, {}), parameters(self.of.revision, self.names)
        for key, parameter in old.items():
            if key not in new:
                self._removed(parameter)
        for key, parameter in new.items():
            if key not in old:
                self._added(parameter)
            elif self.of.called_by_server:
                usage = self.of.sent("header")
                self.of.schema(old[key].node, parameter.node, usage, parameter.label)
            else:
                ParameterDiff(self.of, old[key], parameter).run()

    def _removed(self, parameter: Parameter) -> None:
        if self.of.called_by_server:
            need = "required" if parameter.required else "optional"
            rule_id, detail = f"{need}-response-header-removed", ""
        else:
            outcome = lifecycle.removed(Lifecycle.of(parameter.node.value), self.of.policy)
            rule_id = _REMOVED[outcome.kind]
            if parameter.of_path and outcome.kind == "removed-without-deprecation":
                rule_id = "request-default-parameter-removed-from-existing-path"
            detail = f": {outcome.detail}" if outcome.detail else ""
        message = f"{parameter.label} removed{detail}"
        self.of.add(rule_id, message, parameter.node, side="request", subject=parameter.label)

    def _added(self, parameter: Parameter) -> None:
        need = "required" if parameter.required else "optional"
        if self.of.called_by_server:
            rule_id = "response-header-added"
        elif parameter.location == "path":
            rule_id = "new-request-path-parameter"
        elif parameter.of_path:
            rule_id = f"new-{need}-request-default-parameter-to-existing-path"
        else:
            rule_id = f"new-{need}-request-parameter"
        message = f"{need} {parameter.label} added"
        self.of.add(rule_id, message, None, parameter.node, side="request", subject=parameter.label)


@dataclass(frozen=True)
class ParameterDiff:
    """Compares two descriptions of one parameter."""

    of: OperationPair
    base: Parameter
    revision: Parameter

    def run(self) -> None:
        """Note what differs."""
        self._required()
        self._lifecycle()
        self._serialization()
        self._schema()
        self.of.words(self.base.node, self.revision.node, _FIELDS)
        self._name()

    def _add(self, rule_id: str, message: str, word: str | None = None) -> None:
        base, revision = self.base.node, self.revision.node
        self.of.add(
            rule_id,
            f"{self.base.label}: {message}",
            (base.get(word) if word else None) or base,
            (revision.get(word) if word else None) or revision,
            side="request",
        )

    def _name(self) -> None:
        old, new = (str(one.node.value.get("name")) for one in (self.base, self.revision))
        if old == new:
            return
        if self.base.location == "path":
            self._add("path-parameter-renamed", f"renamed to {new}", "name")
        elif old.lower() != new.lower():
            self._add("document-field-changed", f"name {old} to {new}", "name")

    def _required(self) -> None:
        was, now = self.base.required, self.revision.required
        if was != now:
            kind = "required" if now else "optional"
            self._add(f"request-parameter-became-{kind}", f"is now {kind}", "required")

    def _lifecycle(self) -> None:
        old, new = Lifecycle.of(self.base.node.value), Lifecycle.of(self.revision.node.value)
        for outcome in lifecycle.changed(old, new, self.of.policy, self.of.stability):
            detail = f" ({outcome.detail})" if outcome.detail else ""
            kind = _OUTCOMES.get(outcome.kind, outcome.kind)
            message = outcome.kind.replace("-", " ") + detail
            self._add(f"request-parameter-{kind}", message, "deprecated")

    def _serialization(self) -> None:
        was, now = self.base.style, self.revision.style
        if was != now:
            self._add("request-parameter-style-changed", f"style {was} to {now}", "style")
        elif self.base.explodes != self.revision.explodes:
            message = f"explode {self.base.explodes} to {self.revision.explodes}"
            self._add("request-parameter-explode-changed", message, "explode")
        old, new = self.base.node.value, self.revision.node.value
        if bool(old.get("allowReserved")) != bool(new.get("allowReserved")):
            message = "allowReserved differs"
            self._add("request-parameter-allow-reserved-changed", message, "allowReserved")
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
        repeats = self.revision.repeats
        one, two = schema_of(self.base.node), schema_of(self.revision.node)
        listed = (
            old is None
            and one is not None
            and two is not None
            and self.of.log.pairs.lists(one, two, exploded=repeats)
        )
        usage = replace(
            self.of.sent("parameter"),
            typed=old is not None and MediaType.of(old).is_typed,
            location=self.base.location,
            required=self.revision.required,
            exploded=repeats,
            listed=listed,
        )
        self.of.schema(self.base.node, self.revision.node, usage, self.base.label)


_FIELDS = {
    *("name", "in", "required", "deprecated", "allowEmptyValue", "style", "explode"),
    *("allowReserved", "schema", "content"),
}
_OUTCOMES = {
    "deprecated-with-sunset": "deprecated",
    "deprecated-sunset-invalid": "sunset-parse",
}
_REMOVED = {
    "removed-without-deprecation": "request-parameter-removed",
    "removed-with-deprecation": "request-parameter-removed-with-deprecation",
    "removed-before-sunset": "request-parameter-removed-before-sunset",
    "sunset-parse": "request-parameter-sunset-parse",
}
