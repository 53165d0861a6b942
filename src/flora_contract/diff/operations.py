"""Two descriptions of one operation: parameters, bodies, answers, callbacks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flora_contract.diff import lifecycle, statuses
from flora_contract.diff.content import ContentDiff
from flora_contract.diff.facts import exact
from flora_contract.diff.lifecycle import Lifecycle
from flora_contract.diff.media import MediaType
from flora_contract.diff.methods import METHODS
from flora_contract.diff.parameters import Parameter, ParameterDiff, content_of, schema_of
from flora_contract.diff.security import compare_own, effective, requirements
from flora_contract.diff.verdicts import Standing

if TYPE_CHECKING:
    from flora_contract.diff.lifecycle import Policy
    from flora_contract.diff.log import Log, Site
    from flora_contract.diff.rules import Side
    from flora_contract.diff.tree import Node, Tree
    from flora_contract.diff.verdicts import Area


@dataclass(frozen=True)
class OperationNode:
    """An operation of one contract, and the path item it stands in."""

    node: Node
    item: Node
    tree: Tree

    def parameters(self, names: dict[str, str]) -> dict[tuple[str, str], Parameter]:
        """The parameters that hold for it; `names` has the old names of renamed path ones."""
        found: dict[tuple[str, str], Parameter] = {}
        for holder, of_path in ((self.item, True), (self.node, False)):
            listed = holder.get("parameters")
            for entry in listed.each() if listed is not None else ():
                node = self.tree.resolve(entry)
                name, location = str(node.mapping().get("name")), str(node.value.get("in"))
                if location == "path":
                    name = names.get(name, name)
                parameter = Parameter(node, name, location, of_path)
                found[parameter.key] = parameter
        return found

    def part(self, name: str) -> Node | None:
        """A field of the operation, its reference followed."""
        node = self.node.get(name)
        return self.tree.resolve(node) if node is not None else None

    def named(self, name: str) -> dict[str, Node]:
        """A mapping of the operation, such as its responses."""
        node = self.node.get(name)
        return dict(node.items()) if node is not None else {}


@dataclass(frozen=True)
class OperationDiff:
    """Compares two endpoints and notes what differs.

    `called_by_server`: a webhook or callback, where the server sends the request and the
    API's user answers, so that who reads and who writes is the other way round.
    """

    base: OperationNode
    revision: OperationNode
    site: Site
    log: Log
    policy: Policy
    called_by_server: bool = False

    def run(self, names: dict[str, str]) -> None:
        """Compare, unless the operation says of itself that it may change at any time."""
        old, new = (
            Lifecycle.of(self.base.node.mapping()),
            Lifecycle.of(self.revision.node.mapping()),
        )
        if not (old.known_stability and new.known_stability) and old != new:
            level = old.stability if not old.known_stability else new.stability
            self._add("api-invalid-stability-level", f"stability level {level!r} is none")
            return
        self._stability(old, new)
        if lifecycle.unchecked(self.base.node.value):
            return
        self._lifecycle(old, new)
        self._identity()
        self._parameters(names)
        self._request_body()
        self._responses()
        self._security()
        self._callbacks()
        self.log.words(self.base.node, self.revision.node, self.site, _OPERATION_FIELDS)

    def _add(
        self,
        rule_id: str,
        message: str,
        base: Node | None = None,
        revision: Node | None = None,
        *,
        side: Side = "none",
        subject: str = "",
    ) -> None:
        self.log.add(
            rule_id,
            message,
            base or self.base.node.without(),
            revision or self.revision.node.without(),
            self.site,
            side=side,
            subject=subject,
        )

    # The operation itself

    def _stability(self, old: Lifecycle, new: Lifecycle) -> None:
        if old.stability == new.stability:
            return
        ranks = {name: rank for rank, name in enumerate(lifecycle.STABILITY)}
        was, now = ranks.get(old.stability or "", 4), ranks.get(new.stability or "", 4)
        if old.stability is None and new.stability == "stable":
            return
        kind = "increased" if now > was else "decreased"
        self._add(f"api-stability-{kind}", f"stability level: {old.stability} to {new.stability}")

    def _lifecycle(self, old: Lifecycle, new: Lifecycle) -> None:
        stability = new.stability or old.stability
        for outcome in lifecycle.changed(old, new, self.policy, stability):
            detail = f": {outcome.detail}" if outcome.detail else ""
            word = outcome.kind.replace("-", " ")
            self._add(_OPERATION_OUTCOMES[outcome.kind], f"operation {word}{detail}")

    def _identity(self) -> None:
        old, new = self.base.node.get("operationId"), self.revision.node.get("operationId")
        was = old.value if old is not None else None
        now = new.value if new is not None else None
        if was is not None and was != now:
            what = f"operationId {was} renamed to {now}" if now else f"operationId {was} removed"
            self._add("api-operation-id-removed", what, old, new)
        elif was is None and now is not None:
            self._add("api-operation-id-added", f"operationId {now} added", old, new)
        tags = self.base.node.value.get("tags") or [], self.revision.node.value.get("tags") or []
        for tag in tags[0]:
            if tag not in tags[1]:
                self._add("api-tag-removed", f"tag {tag} removed", subject=str(tag))
        for tag in tags[1]:
            if tag not in tags[0]:
                self._add("api-tag-added", f"tag {tag} added", subject=str(tag))

    def _security(self) -> None:
        ends = self.base, self.revision
        old, new = (
            requirements(end.node, end.tree) if self.called_by_server else effective(end)
            for end in ends
        )
        if old.own or new.own:
            compare_own(old, new, self.site, self.log, by_server=self.called_by_server)

    def _callbacks(self) -> None:
        old, new = self.base.named("callbacks"), self.revision.named("callbacks")
        for name, node in old.items():
            if name not in new:
                self._add("api-callback-removed", f"callback {name} removed", node, subject=name)
                continue
            one = self.base.tree.resolve(node)
            two = self.revision.tree.resolve(new[name])
            _compare_path_items(self, dict(one.items()), dict(two.items()), name)
        for name, node in new.items():
            if name not in old:
                self._add("api-callback-added", f"callback {name} added", None, node, subject=name)

    # Parameters

    def _parameters(self, names: dict[str, str]) -> None:
        old, new = self.base.parameters({}), self.revision.parameters(names)
        for key, parameter in old.items():
            if key not in new:
                self._parameter_removed(parameter)
        for key, parameter in new.items():
            if key not in old:
                self._parameter_added(parameter)
            elif self.called_by_server:
                self._schema(old[key].node, parameter.node, self._sent("header"), parameter.label)
            else:
                ParameterDiff(self, old[key], parameter).run()

    def _sent(self, area: Area) -> Standing:
        """How what stands in the request is judged."""
        return Standing(
            "response" if self.called_by_server else "request", area, stability=self._stable
        )

    @property
    def _stable(self) -> str | None:
        stability = Lifecycle.of(self.revision.node.value).stability
        return stability if isinstance(stability, str) else None

    def _parameter_removed(self, parameter: Parameter) -> None:
        if self.called_by_server:
            need = "required" if parameter.node.value.get("required") is True else "optional"
            rule_id, detail = f"{need}-response-header-removed", ""
        else:
            outcome = lifecycle.removed(Lifecycle.of(parameter.node.value), self.policy)
            rule_id = _PARAMETER_REMOVED[outcome.kind]
            if parameter.of_path and outcome.kind == "removed-without-deprecation":
                rule_id = "request-default-parameter-removed-from-existing-path"
            detail = f": {outcome.detail}" if outcome.detail else ""
        message = f"{parameter.label} removed{detail}"
        self._add(rule_id, message, parameter.node, None, side="request", subject=parameter.label)

    def _parameter_added(self, parameter: Parameter) -> None:
        required = parameter.node.value.get("required") is True
        need = "required" if required else "optional"
        if self.called_by_server:
            rule_id = "response-header-added"
        elif parameter.location == "path":
            rule_id = "new-request-path-parameter"
        elif parameter.of_path:
            rule_id = f"new-{need}-request-default-parameter-to-existing-path"
        else:
            rule_id = f"new-{need}-request-parameter"
        message = f"{need} {parameter.label} added"
        self._add(rule_id, message, None, parameter.node, side="request", subject=parameter.label)

    # Bodies

    def _request_body(self) -> None:
        old, new = self.base.part("requestBody"), self.revision.part("requestBody")
        if old is None and new is None:
            return
        if old is None or new is None:
            self._request_body_appeared_or_went(old, new)
            return
        was, now = (node.mapping().get("required") is True for node in (old, new))
        if was != now:
            kind = "required" if now else "optional"
            self._add(
                f"{self._body}-became-{kind}",
                f"request body is now {kind}",
                old.get("required") or old,
                new.get("required") or new,
                side="request",
            )
        self.log.words(old, new, self.site, {"content", "required"})
        content = ContentDiff(self, self._sent("body"), "request body")
        content.run(old, new)

    @property
    def _body(self) -> str:
        """How the ids of rules about the body as a whole begin."""
        return "api-callback-body" if self.called_by_server else "request-body"

    def _request_body_appeared_or_went(self, old: Node | None, new: Node | None) -> None:
        if new is None:
            self._add(f"{self._body}-removed", "request body removed", old, None, side="request")
            return
        kind = "required" if new.value.get("required") is True else "optional"
        rule_id = f"{self._body}-added" + ("" if self.called_by_server else f"-{kind}")
        self._add(rule_id, f"{kind} request body added", None, new, side="request")

    def _responses(self) -> None:
        old, new = (
            {statuses.plainly(name): node for name, node in one.named("responses").items()}
            for one in (self.base, self.revision)
        )
        for status, node in old.items():
            if status in new:
                self._response(status, node, new[status])
            elif status[:2] != "x-":
                self._response_gone(status, node, new)
        for status, node in new.items():
            if status not in old and status[:2] != "x-":
                self._response_new(status, node, old)

    def _response_gone(self, status: str, node: Node, new: dict[str, Node]) -> None:
        """A status that has no response of its own any more."""
        kind = _status_kind(status)
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

    def _response_new(self, status: str, node: Node, old: dict[str, Node]) -> None:
        """A status that has a response of its own now."""
        self._status(f"{_status_kind(status)}-added", f"{status} added", None, node, status)
        around = statuses.describing(status, old)
        if around is not None:
            self._response(status, old[around], node)
        elif statuses.is_success(status) and not self.called_by_server:
            message = f"{status} added: clients may not know this success"
            self._status("success-unexpected", message, None, node, status)
        for inner in statuses.within(status, old):
            self._response(inner, old[inner], node)

    def _status(
        self, kind: str, message: str, base: Node | None, revision: Node | None, status: str
    ) -> None:
        self.log.add(
            f"response-{kind}",
            f"response {message}",
            base or self.base.node.without(),
            revision or self.revision.node.without(),
            self.site,
            side="response",
            subject=status,
            edit="status",
        )

    def _response(self, status: str, base: Node, revision: Node) -> None:
        base, revision = self.base.tree.resolve(base), self.revision.tree.resolve(revision)
        standing = Standing(
            "request" if self.called_by_server else "response", "body", stability=self._stable
        )
        ContentDiff(self, standing, f"response {status}").run(base, revision)
        self._headers(status, base, revision)
        self._links(status, base, revision)
        self.log.words(base, revision, self.site, {"content", "headers", "links"})

    def _headers(self, status: str, base: Node, revision: Node) -> None:
        old, new = self._header_nodes(self.base, base), self._header_nodes(self.revision, revision)
        for key, (name, one) in old.items():
            label = f"header {name} of response {status}"
            if key in new:
                self._header(label, one, new[key][1])
                continue
            need = "required" if one.value.get("required") is True else "optional"
            rule_id = f"{need}-response-header-removed"
            self._add(rule_id, f"{label} removed", one, None, side="response", subject=key)
        for key, (name, two) in new.items():
            if key not in old:
                message = f"header {name} of response {status} added"
                self._add("response-header-added", message, None, two, side="response", subject=key)

    def _header_nodes(self, endpoint: OperationNode, response: Node) -> dict[str, tuple[str, Node]]:
        headers = response.get("headers")
        if headers is None:
            return {}
        return {name.lower(): (name, endpoint.tree.resolve(node)) for name, node in headers.items()}

    def _header(self, label: str, base: Node, revision: Node) -> None:
        was, now = (node.mapping().get("required") is True for node in (base, revision))
        if was != now:
            kind = "required" if now else "optional"
            message = f"{label} is now {kind}"
            self._add(f"response-header-became-{kind}", message, base, revision, side="response")
        for field_name, default in (("style", "simple"), ("explode", False)):
            one = base.value.get(field_name, default)
            two = revision.value.get(field_name, default)
            if one != two:
                message = f"{label}: {field_name} {one} to {two}"
                rule_id = f"response-header-{field_name}-changed"
                self._add(rule_id, message, base, revision, side="response")
        deprecated = [node.value.get("deprecated") is True for node in (base, revision)]
        if deprecated[0] != deprecated[1]:
            kind = "deprecated" if deprecated[1] else "reactivated"
            message = f"{label} {kind}"
            self._add(f"response-header-{kind}", message, base, revision, side="response")
        typed = any(MediaType.of(name).is_typed for name in content_of(base))
        standing = Standing("response", "header", typed=typed, stability=self._stable)
        self._schema(base, revision, standing, label)
        self.log.words(base, revision, self.site, _HEADER_FIELDS)

    def _schema(self, base: Node, revision: Node, standing: Standing, label: str) -> None:
        """Compare the schemas of two parameters or headers."""
        one, two = schema_of(base), schema_of(revision)
        if one is not None or two is not None:
            one, two = one or base._replace(value={}), two or revision._replace(value={})
            self.log.schema(one, two, standing, self.site, label)

    def _links(self, status: str, base: Node, revision: Node) -> None:
        old, new = base.get("links"), revision.get("links")
        before = dict(old.items()) if old is not None else {}
        after = dict(new.items()) if new is not None else {}
        for name, node in before.items():
            label = f"link {name} of response {status}"
            if name not in after:
                self._add(
                    "api-response-link-removed", f"{label} removed", node, None, side="response"
                )
                continue
            one = self.base.tree.resolve(node)
            two = self.revision.tree.resolve(after[name])
            self.log.words(one, two, self.site, _LINK_FIELDS)
            if _without(one, _LINK_FIELDS) != _without(two, _LINK_FIELDS):
                self._add(
                    "api-response-link-changed", f"{label} changed", one, two, side="response"
                )
        for name, node in after.items():
            if name not in before:
                message = f"link {name} of response {status} added"
                self._add("api-response-link-added", message, None, node, side="response")


def _without(node: Node, fields: set[str]) -> str:
    """The values of the fields of a node that are given, as a text to compare."""
    return exact({key: value for key, value in node.mapping().items() if key in fields})


def _status_kind(status: str) -> str:
    if status == "default":
        return "default"
    return "success-status" if status.startswith("2") else "non-success-status"


def _compare_path_items(
    of: OperationDiff, old: dict[str, Node], new: dict[str, Node], name: str
) -> None:
    """The operations of a callback, by their expressions."""
    for expression, node in old.items():
        one = of.base.tree.resolve(node)
        two = of.revision.tree.resolve(new[expression]) if expression in new else None
        compare_called(of, one, two, f"{name} {expression}")
    for expression, node in new.items():
        if expression not in old:
            compare_called(of, None, of.revision.tree.resolve(node), f"{name} {expression}")


def compare_called(of: OperationDiff, base: Node | None, revision: Node | None, label: str) -> None:
    """The operations of a path item that the server calls."""
    for method in METHODS:
        one = base.get(method) if base is not None else None
        two = revision.get(method) if revision is not None else None
        if one is None and two is None:
            continue
        if base is None or revision is None or one is None or two is None:
            action = "removed" if two is None else "added"
            of.log.add(
                f"api-callback-operation-{action}",
                f"{method.upper()} of {label} {action}",
                one or of.base.node,
                two or of.revision.node,
                of.site,
            )
            continue
        OperationDiff(
            replace(of.base, node=one, item=base),
            replace(of.revision, node=two, item=revision),
            replace(of.site, section="callbacks"),
            of.log,
            of.policy,
            called_by_server=True,
        ).run({})


_OPERATION_FIELDS = {
    *("operationId", "tags", "parameters", "requestBody", "responses", "security", "servers"),
    *("callbacks", "deprecated"),
}
_HEADER_FIELDS = {"required", "deprecated", "style", "explode", "schema", "content"}
_LINK_FIELDS = {"operationRef", "operationId", "parameters", "requestBody", "server"}
_OPERATION_OUTCOMES = {
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
_PARAMETER_REMOVED = {
    "removed-without-deprecation": "request-parameter-removed",
    "removed-with-deprecation": "request-parameter-removed-with-deprecation",
    "removed-before-sunset": "request-parameter-removed-before-sunset",
    "sunset-parse": "request-parameter-sunset-parse",
}
