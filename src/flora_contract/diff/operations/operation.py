"""One operation of both contracts: what it says of itself, what it takes, answers and calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flora_contract.diff.operations import lifecycle
from flora_contract.diff.operations.by_name import by_name, fields
from flora_contract.diff.operations.content import ContentDiff
from flora_contract.diff.operations.headers import compare_headers
from flora_contract.diff.operations.lifecycle import Lifecycle
from flora_contract.diff.operations.methods import METHODS
from flora_contract.diff.operations.parameter import parameters
from flora_contract.diff.operations.parameters import compare_parameters
from flora_contract.diff.operations.responses import ResponsesDiff
from flora_contract.diff.operations.security import compare_own

if TYPE_CHECKING:
    from flora_contract.diff.operations.pair import OperationPair
    from flora_contract.openapi.tree import Node


@dataclass(frozen=True)
class OperationDiff:
    """Compares an operation of both contracts."""

    of: OperationPair

    def run(self, names: dict[str, str]) -> None:
        """Compare, unless the operation says of itself that it may change at any time.

        `names` has the old names of path parameters that are called otherwise now.
        """
        of = self.of
        old, new = (Lifecycle.of(one.node.mapping()) for one in (of.base, of.revision))
        if not (old.known_stability and new.known_stability) and old != new:
            level = old.stability if not old.known_stability else new.stability
            of.add("api-invalid-stability-level", f"stability level {level!r} is none")
            return
        self._stability(old, new)
        if lifecycle.unchecked(of.base.node.value):
            return
        self._lifecycle(old, new)
        self._identity()
        self._parameters(names)
        self._request_body()
        ResponsesDiff(of).run()
        compare_own(of)
        self._callbacks()
        of.words(of.base.node, of.revision.node, _OPERATION_FIELDS)

    # The operation itself

    def _stability(self, old: Lifecycle, new: Lifecycle) -> None:
        if old.stability == new.stability:
            return
        ranks = {name: rank for rank, name in enumerate(lifecycle.STABILITY)}
        was, now = ranks.get(old.stability or "", 4), ranks.get(new.stability or "", 4)
        if old.stability is None and new.stability == "stable":
            return
        kind = "increased" if now > was else "decreased"
        told = f"stability level: {old.stability} to {new.stability}"
        self.of.add(f"api-stability-{kind}", told)

    def _lifecycle(self, old: Lifecycle, new: Lifecycle) -> None:
        stability = new.stability or old.stability
        for outcome in lifecycle.changed(old, new, self.of.policy, stability):
            detail = f": {outcome.detail}" if outcome.detail else ""
            word = outcome.kind.replace("-", " ")
            self.of.add(_OUTCOMES[outcome.kind], f"operation {word}{detail}")

    def _identity(self) -> None:
        nodes = self.of.base.node, self.of.revision.node
        old, new = (node.get("operationId") for node in nodes)
        was = old.value if old is not None else None
        now = new.value if new is not None else None
        if was is not None and was != now:
            what = f"operationId {was} renamed to {now}" if now else f"operationId {was} removed"
            self.of.add("api-operation-id-removed", what, old, new)
        elif was is None and now is not None:
            self.of.add("api-operation-id-added", f"operationId {now} added", old, new)
        before, after = (node.value.get("tags") or [] for node in nodes)
        for some, others, verb in ((before, after, "removed"), (after, before, "added")):
            for tag in some:
                if tag not in others:
                    self.of.add(f"api-tag-{verb}", f"tag {tag} {verb}", subject=str(tag))

    # What it takes

    def _parameters(self, names: dict[str, str]) -> None:
        compare = compare_headers if self.of.called_by_server else compare_parameters
        compare(self.of, parameters(self.of.base, {}), parameters(self.of.revision, names))

    def _request_body(self) -> None:
        old, new = self.of.base.part("requestBody"), self.of.revision.part("requestBody")
        if old is None or new is None:
            self._body_came_or_went(old, new)
            return
        was, now = (node.mapping().get("required") is True for node in (old, new))
        if was != now:
            kind = "required" if now else "optional"
            self.of.add(
                f"{self._body}-became-{kind}",
                f"request body is now {kind}",
                old.get("required") or old,
                new.get("required") or new,
                side="request",
            )
        self.of.words(old, new, {"content", "required"})
        ContentDiff(self.of, self.of.sent("body"), "request body").run(old, new)

    @property
    def _body(self) -> str:
        """How the ids of rules about the body as a whole begin."""
        return "api-callback-body" if self.of.called_by_server else "request-body"

    def _body_came_or_went(self, old: Node | None, new: Node | None) -> None:
        if old is not None:
            self.of.add(f"{self._body}-removed", "request body removed", old, side="request")
        elif new is not None:
            kind = "required" if new.mapping().get("required") is True else "optional"
            rule_id = f"{self._body}-added" + ("" if self.of.called_by_server else f"-{kind}")
            self.of.add(rule_id, f"{kind} request body added", None, new, side="request")

    # What it calls

    def _callbacks(self) -> None:
        trees = self.of.base.tree, self.of.revision.tree
        for name, one, two in fields(self.of.base.node, self.of.revision.node, "callbacks"):
            if one is None or two is None:
                verb = "added" if one is None else "removed"
                self.of.add(
                    f"api-callback-{verb}", f"callback {name} {verb}", one, two, subject=name
                )
                continue
            old, new = (
                dict(tree.resolve(node).items())
                for tree, node in zip(trees, (one, two), strict=True)
            )
            for expression, first, second in by_name(old, new):
                ends = [
                    tree.resolve(node) if node is not None else None
                    for tree, node in zip(trees, (first, second), strict=True)
                ]
                compare_called(self.of, ends[0], ends[1], f"{name} {expression}")


def compare_called(of: OperationPair, base: Node | None, revision: Node | None, label: str) -> None:
    """The operations of a path item that the server calls."""
    for method in METHODS:
        one = base.get(method) if base is not None else None
        two = revision.get(method) if revision is not None else None
        if base is not None and revision is not None and one is not None and two is not None:
            called = replace(
                of,
                base=replace(of.base, node=one, item=base),
                revision=replace(of.revision, node=two, item=revision),
                site=replace(of.site, section="callbacks"),
                called_by_server=True,
            )
            OperationDiff(called).run({})
        elif one is not None or two is not None:
            verb = "removed" if two is None else "added"
            message = f"{method.upper()} of {label} {verb}"
            nodes = one or of.base.node, two or of.revision.node
            of.add(f"api-callback-operation-{verb}", message, *nodes)


_OPERATION_FIELDS = {
    *("operationId", "tags", "parameters", "requestBody", "responses", "security", "servers"),
    *("callbacks", "deprecated"),
}
_OUTCOMES = {
    "deprecated": "endpoint-deprecated",
    "deprecated-with-sunset": "endpoint-deprecated-with-sunset",
    "deprecated-sunset-missing": "api-deprecated-sunset-missing",
    "deprecated-sunset-invalid": "api-deprecated-sunset-parse",
    "sunset-date-too-small": "api-sunset-date-too-small",
    "sunset-date-changed-too-small": "api-sunset-date-changed-too-small",
    "sunset-deleted": "sunset-deleted",
    "sunset-parse": "api-path-sunset-parse",
    "reactivated": "endpoint-reactivated",
}
