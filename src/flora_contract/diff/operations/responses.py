"""The answers of one operation: their statuses, and what each holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flora_contract.diff.operations import statuses
from flora_contract.diff.operations.by_name import by_name, fields, mapped
from flora_contract.diff.operations.content import ContentDiff
from flora_contract.diff.operations.headers import compare_headers
from flora_contract.diff.operations.parameter import headers
from flora_contract.diff.operations.parameters import compare_parameters
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
        around = statuses.announcing(status, old)
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
        compare = compare_parameters if self.of.called_by_server else compare_headers
        trees = self.of.base.tree, self.of.revision.tree
        compare(self.of, headers(base, trees[0], status), headers(revision, trees[1], status))
        self._links(status, base, revision)
        self.of.words(base, revision, {"content", "headers", "links"})

    def _links(self, status: str, base: Node, revision: Node) -> None:
        for name, one, two in fields(base, revision, "links"):
            label = f"link {name} of response {status}"
            verb = "changed" if one and two else "added" if two else "removed"
            if one is not None and two is not None:
                one, two = self.of.base.tree.resolve(one), self.of.revision.tree.resolve(two)
                self.of.words(one, two, _LINK_FIELDS)
                if _only(one, _LINK_FIELDS) == _only(two, _LINK_FIELDS):
                    continue
            rule_id = f"api-response-link-{verb}"
            self.of.add(rule_id, f"{label} {verb}", one, two, side="response")


def _only(node: Node, names: set[str]) -> str:
    """Those values of a node that stand under some names, as a text to compare."""
    return exact({key: value for key, value in node.mapping().items() if key in names})


def _kind(status: str) -> str:
    if status == "default":
        return "default"
    return "success-status" if status.startswith("2") else "non-success-status"


_LINK_FIELDS = {"operationRef", "operationId", "parameters", "requestBody", "server"}
