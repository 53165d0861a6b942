"""The answers of one operation: statuses, bodies, headers and links."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flora_contract.diff.operations import statuses
from flora_contract.diff.operations.by_name import by_name, fields, mapped
from flora_contract.diff.operations.content import ContentDiff
from flora_contract.diff.operations.media_types import MediaType
from flora_contract.diff.operations.pair import content_of
from flora_contract.openapi.sameness import exact

if TYPE_CHECKING:
    from flora_contract.diff.operations.pair import OperationNode, OperationPair
    from flora_contract.openapi.tree import Node

Responses = dict[str, "Node"]
"""The responses of one operation by their status."""


@dataclass(frozen=True)
class ResponsesDiff:
    """Compares the answers of two operations."""

    of: OperationPair

    def run(self) -> None:
        """Note what differs."""
        old, new = self._responses(self.of.base), self._responses(self.of.revision)
        for status, one, two in by_name(old, new):
            if one is not None and two is not None:
                self._response(status, one, two)
            elif one is not None:
                self._gone(status, one, new)
            elif two is not None:
                self._new(status, two, old)

    def _responses(self, operation: OperationNode) -> Responses:
        return {
            statuses.plainly(name): node
            for name, node in mapped(operation.node, "responses").items()
            if name[:2] != "x-"
        }

    def _gone(self, status: str, node: Node, new: Responses) -> None:
        """A status that has no response of its own any more."""
        kind = _kind(status)
        around = statuses.describing(status, new)
        named = around or ", ".join(statuses.within(status, new))
        if named:
            gone = "covered" if kind == "success-status" else f"{kind}-removed"
            self._status(gone, f"{status} is described by {named} now", node, None, status)
            if around is not None:
                self._response(status, node, new[around])
        else:
            self._status(f"{kind}-removed", f"{status} removed", node, None, status)
            if kind == "non-success-status":
                message = f"{status} removed: what comes with it is not documented any more"
                self._status("status-undocumented", message, node, None, status)

    def _new(self, status: str, node: Node, old: Responses) -> None:
        """A status that has a response of its own now."""
        self._status(f"{_kind(status)}-added", f"{status} added", None, node, status)
        around = statuses.describing(status, old)
        if around is not None:
            self._response(status, old[around], node)
        elif statuses.is_success(status) and not self.of.called_by_server:
            message = f"{status} added: clients may not know this success"
            self._status("success-unexpected", message, None, node, status)
        for inner in statuses.within(status, old):
            self._response(inner, old[inner], node)

    def _status(
        self, kind: str, message: str, base: Node | None, revision: Node | None, status: str
    ) -> None:
        self.of.add(
            f"response-{kind}",
            f"response {message}",
            base,
            revision,
            side="response",
            subject=status,
            edit="status",
        )

    def _response(self, status: str, base: Node, revision: Node) -> None:
        base, revision = self.of.base.tree.resolve(base), self.of.revision.tree.resolve(revision)
        ContentDiff(self.of, self.of.answered("body"), f"response {status}").run(base, revision)
        self._headers(status, base, revision)
        self._links(status, base, revision)
        self.of.words(base, revision, {"content", "headers", "links"})

    # Headers

    def _headers(self, status: str, base: Node, revision: Node) -> None:
        old, new = _caseless(base), _caseless(revision)
        for key, one, two in by_name(old, new):
            name = str((one or two or base).pointer[-1])
            label = f"header {name} of response {status}"
            if one is not None and two is not None:
                self._header(label, *self._resolved(one, two))
            elif one is not None:
                one = self.of.base.tree.resolve(one)
                need = "required" if one.mapping().get("required") is True else "optional"
                self._add(f"{need}-response-header-removed", f"{label} removed", one, None, key)
            elif two is not None:
                two = self.of.revision.tree.resolve(two)
                self._add("response-header-added", f"{label} added", None, two, key)

    def _header(self, label: str, base: Node, revision: Node) -> None:
        was, now = (node.mapping().get("required") is True for node in (base, revision))
        if was != now:
            kind = "required" if now else "optional"
            message = f"{label} is now {kind}"
            self._add(f"response-header-became-{kind}", message, base, revision)
        for field_name, default in (("style", "simple"), ("explode", False)):
            one = base.value.get(field_name, default)
            two = revision.value.get(field_name, default)
            if one != two:
                message = f"{label}: {field_name} {one} to {two}"
                self._add(f"response-header-{field_name}-changed", message, base, revision)
        deprecated = [node.value.get("deprecated") is True for node in (base, revision)]
        if deprecated[0] != deprecated[1]:
            kind = "deprecated" if deprecated[1] else "reactivated"
            self._add(f"response-header-{kind}", f"{label} {kind}", base, revision)
        typed = any(MediaType.of(name).is_typed for name in content_of(base))
        usage = replace(self.of.answered("header"), side="response", typed=typed)
        self.of.schema(base, revision, usage, label)
        self.of.words(base, revision, _HEADER_FIELDS)

    # Links

    def _links(self, status: str, base: Node, revision: Node) -> None:
        for name, one, two in fields(base, revision, "links"):
            label = f"link {name} of response {status}"
            if one is None or two is None:
                verb = "removed" if two is None else "added"
                self._add(f"api-response-link-{verb}", f"{label} {verb}", one, two)
                continue
            one, two = self._resolved(one, two)
            self.of.words(one, two, _LINK_FIELDS)
            if _only(one, _LINK_FIELDS) != _only(two, _LINK_FIELDS):
                self._add("api-response-link-changed", f"{label} changed", one, two)

    def _resolved(self, base: Node, revision: Node) -> tuple[Node, Node]:
        return self.of.base.tree.resolve(base), self.of.revision.tree.resolve(revision)

    def _add(
        self,
        rule_id: str,
        message: str,
        base: Node | None,
        revision: Node | None,
        subject: str = "",
    ) -> None:
        self.of.add(rule_id, message, base, revision, side="response", subject=subject)


def _caseless(response: Node) -> dict[str, Node]:
    """The headers of a response by their names, which have no case."""
    return {name.lower(): node for name, node in mapped(response, "headers").items()}


def _only(node: Node, names: set[str]) -> str:
    """Those values of a node that stand under some names, as a text to compare."""
    return exact({key: value for key, value in node.mapping().items() if key in names})


def _kind(status: str) -> str:
    if status == "default":
        return "default"
    return "success-status" if status.startswith("2") else "non-success-status"


_HEADER_FIELDS = {"required", "deprecated", "style", "explode", "schema", "content"}
_LINK_FIELDS = {"operationRef", "operationId", "parameters", "requestBody", "server"}
