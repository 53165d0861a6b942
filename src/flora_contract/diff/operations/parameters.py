"""What clients send beside a body: parameters, and headers of answers to webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flora_contract.diff.operations import lifecycle
from flora_contract.diff.operations.lifecycle import Lifecycle
from flora_contract.diff.operations.media_types import MediaType
from flora_contract.diff.operations.pair import content_of, schema_of
from flora_contract.diff.operations.parameter import judged, styles
from flora_contract.diff.schemas.usage import Usage

if TYPE_CHECKING:
    from flora_contract.diff.operations.pair import OperationPair
    from flora_contract.diff.operations.parameter import Parameter, Parameters


def compare_parameters(of: OperationPair, old: Parameters, new: Parameters) -> None:
    """Note which came and went, and what differs in the others."""
    for one, two in judged(of, old, new):
        if one is not None and two is not None:
            ParameterDiff(of, one, two).run()
        elif one is not None:
            _removed(of, one)
        elif two is not None:
            _added(of, two)


def _removed(of: OperationPair, parameter: Parameter) -> None:
    outcome = lifecycle.removed(Lifecycle.of(parameter.node.value), of.policy)
    rule_id = _REMOVED[outcome.kind]
    if parameter.of_path and outcome.kind == "removed-without-deprecation":
        rule_id = "request-default-parameter-removed-from-existing-path"
    detail = f": {outcome.detail}" if outcome.detail else ""
    message = f"{parameter.label} removed{detail}"
    of.add(rule_id, message, parameter.node, side="request", subject=parameter.label)


def _added(of: OperationPair, parameter: Parameter) -> None:
    need = "required" if parameter.required else "optional"
    if parameter.location == "path":
        rule_id = "new-request-path-parameter"
    elif parameter.of_path:
        rule_id = f"new-{need}-request-default-parameter-to-existing-path"
    else:
        rule_id = f"new-{need}-request-parameter"
    message = f"{need} {parameter.label} added"
    of.add(rule_id, message, None, parameter.node, side="request", subject=parameter.label)


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
        for word, told in styles(self.of, self.base, self.revision, written_by=self.base):
            self._add(f"request-parameter-{word}-changed", told, word)
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
        usage = Usage(
            "request",
            "parameter",
            stability=self.of.stability,
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
