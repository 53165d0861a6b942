"""Two contracts, compared from the top: paths, webhooks, security, servers, components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flora_contract.diff.operations import lifecycle
from flora_contract.diff.operations.by_name import by_name, fields, mapped
from flora_contract.diff.operations.findings import Log, Site
from flora_contract.diff.operations.lifecycle import Lifecycle
from flora_contract.diff.operations.methods import METHODS, operations
from flora_contract.diff.operations.operation import OperationDiff, compare_called
from flora_contract.diff.operations.pair import OperationNode, OperationPair
from flora_contract.diff.operations.paths import matched, parameters_of
from flora_contract.diff.operations.security import asked_for, compare_shared
from flora_contract.diff.operations.security_schemes import compare_schemes
from flora_contract.diff.operations.servers import ServerDiff, names_servers
from flora_contract.diff.reading.schema import Schemas
from flora_contract.diff.schemas.pairs import Pairs
from flora_contract.openapi.sameness import alike

if TYPE_CHECKING:
    from flora_contract.diff.operations.lifecycle import Policy
    from flora_contract.openapi.tree import Node, Tree


def compare_contracts(base: Tree, revision: Tree, policy: Policy) -> Log:
    """Everything that differs between two contracts, not yet judged."""
    alike = base.is_31 == revision.is_31
    log = Log(Pairs(Schemas(base), Schemas(revision), one_dialect=alike))
    _ContractDiff(base, revision, policy, log).run()
    return log


@dataclass(frozen=True)
class _ContractDiff:
    base: Tree
    revision: Tree
    policy: Policy
    log: Log

    def run(self) -> None:
        self._head()
        self._servers()
        self._tags()
        compare_shared(self.base, self.revision, self.log)
        used = asked_for(self.base) & asked_for(self.revision)
        compare_schemes(self.base, self.revision, self.log, used)
        self._paths()
        self._webhooks()
        self._components()

    # Around the operations

    def _head(self) -> None:
        old, new = self.base.root.mapping(), self.revision.root.mapping()
        site = Site("info")
        if old.get("openapi") != new.get("openapi"):
            message = f"OpenAPI {old.get('openapi')} to {new.get('openapi')}"
            one, two = self.base.root.get("openapi"), self.revision.root.get("openapi")
            self.log.add("openapi-version-changed", message, one, two, site)
        self.log.words(self.base.root, self.revision.root, site, _ROOT_FIELDS)
        one, two = self.base.root.get("info"), self.revision.root.get("info")
        if one is None or two is None:
            return
        self.log.words(one, two, site, _INFO_FIELDS)
        for word in ("contact", "license", "termsOfService"):
            if not alike(one.mapping().get(word), two.mapping().get(word)):
                base, revision = one.get(word) or one, two.get(word) or two
                message = f"{word} differs"
                self.log.add("info-changed", message, base, revision, site, subject=word)
        versions = one.value.get("version"), two.value.get("version")
        if versions[0] != versions[1]:
            message = f"version {versions[0]} to {versions[1]}"
            base, revision = one.get("version") or one, two.get("version") or two
            self.log.add("api-version-changed", message, base, revision, site)

    def _tags(self) -> None:
        old, new = self._tag_nodes(self.base), self._tag_nodes(self.revision)
        for name, one, two in by_name(old, new):
            if one and two and alike(one.value, two.value):
                continue
            verb = "changed" if one and two else "added" if two else "removed"
            message = f"tag {name} {verb}"
            self.log.add("tag-changed", message, one, two, Site("tags"), subject=name)

    def _tag_nodes(self, tree: Tree) -> dict[str, Node]:
        listed = tree.root.get("tags")
        return {str(tag.mapping().get("name")): tag for tag in listed.each()} if listed else {}

    def _servers(self) -> None:
        site, nodes = Site("servers"), (self.base.root, self.revision.root)
        if self._sets_servers():
            ServerDiff(*nodes, site, self.log).run()
        elif not alike(*(node.value.get("servers") for node in nodes)):
            one, two = (node.get("servers") or node for node in nodes)
            message = "servers changed, and every operation has its own"
            self.log.add("api-unused-component-changed", message, one, two, site)

    def _sets_servers(self) -> bool:
        """Whether an operation is called at the servers of the document."""
        items = [self.base.resolve(item) for item in mapped(self.base.root, "paths").values()]
        found = [(item, node) for item in items for _, node in operations(item)]
        return not found or not all(any(map(names_servers, one)) for one in found)

    def _webhooks(self) -> None:
        for name, one, two in fields(self.base.root, self.revision.root, "webhooks"):
            if one is None or two is None:
                verb = "added" if one is None else "removed"
                message, site = f"webhook {name} {verb}", Site("webhooks")
                self.log.add(f"webhook-{verb}", message, one, two, site, subject=name)
                continue
            one, two = self.base.resolve(one), self.revision.resolve(two)
            site = Site("webhooks", "WEBHOOK", name)
            compare_called(self._pair(one, one, two, two, site), one, two, f"webhook {name}")

    def _pair(self, one: Node, item: Node, two: Node, other: Node, site: Site) -> OperationPair:
        """Two operations, each with the path item that it stands in."""
        base, revision = (
            OperationNode(one, item, self.base),
            OperationNode(two, other, self.revision),
        )
        return OperationPair(base, revision, site, self.log, self.policy)

    # Paths

    def _paths(self) -> None:
        old, new = mapped(self.base.root, "paths"), mapped(self.revision.root, "paths")
        for path, other in matched(old, new):
            one = self.base.resolve(old[path]) if path is not None else None
            two = self.revision.resolve(new[other]) if other is not None else None
            if one is None and other is not None and two is not None:
                self._path_added(other, two)
            elif two is None and path is not None and one is not None:
                self._path_removed(path, one)
            elif one is not None and two is not None and path is not None and other is not None:
                self._path(path, other, one, two)

    def _path_added(self, path: str, item: Node) -> None:
        if not any(operations(item)):
            message, site = f"path {path} added, without operations", Site("paths", None, path)
            self.log.add("path-without-operations-added", message, None, item, site)
        for method, node in operations(item):
            self._added(method, path, node)

    def _added(self, method: str, path: str, node: Node) -> None:
        site = _site(method, path, node)
        self.log.add("endpoint-added", f"operation {site} added", None, node, site)

    def _path_removed(self, path: str, item: Node) -> None:
        if not any(operations(item)):
            message, site = f"path {path} removed, without operations", Site("paths", None, path)
            self.log.add("path-without-operations-removed", message, item, None, site)
        for method, node in operations(item):
            self._removed(method, path, node, "api-path")

    def _removed(self, method: str, path: str, node: Node, prefix: str) -> None:
        if lifecycle.unchecked(node.mapping()):
            return
        if not Lifecycle.of(node.value).known_stability:
            rule_id, message = "api-invalid-stability-level", "stability level is none"
            self.log.add(rule_id, message, node, None, _site(method, path, node))
            return
        outcome = lifecycle.removed(Lifecycle.of(node.value), self.policy)
        kind = f"{prefix}-{outcome.kind}"
        if outcome.kind == "sunset-parse":
            kind = "api-path-sunset-parse"
        detail = f": {outcome.detail}" if outcome.detail else ""
        site = _site(method, path, node)
        message = f"operation {site} {outcome.kind.replace('-', ' ')}{detail}"
        self.log.add(kind, message, node, None, site)

    def _path(self, path: str, other: str, base: Node, revision: Node) -> None:
        names = dict(zip(parameters_of(other), parameters_of(path), strict=True))
        old, new = dict(operations(base)), dict(operations(revision))
        for method, one, two in by_name(old, new):
            if one is not None and two is None:
                self._removed(method, path, one, "api")
            elif one is None and two is not None:
                self._added(method, other, two)
            elif one is not None and two is not None:
                site = _site(method, path, one)
                OperationDiff(self._pair(one, base, two, revision, site)).run(names)
                self._moved(base, one, revision, two, site)
        site = Site("paths", None, path)
        self.log.words(base, revision, site, {*METHODS, "parameters", "servers"})

    def _moved(self, item: Node, node: Node, other: Node, new: Node, site: Site) -> None:
        """What holds for an operation is its own servers, else its path's, else the root's."""
        old_ways, new_ways = (self.base.root, item, node), (self.revision.root, other, new)
        old = max(rank for rank, one in enumerate(old_ways) if not rank or names_servers(one))
        now = max(rank for rank, one in enumerate(new_ways) if not rank or names_servers(one))
        if (old, now) == (0, 0):
            return  # told once, for all of the document
        if (old, now) == (1, 1):
            site = Site("paths", None, site.path)
        ServerDiff(old_ways[old], new_ways[now], site, self.log).run()

    # Components

    def _components(self) -> None:
        """What is in components and reaches no operation; what it reaches is told there."""
        old = _components(self.base)
        new = _components(self.revision)
        for key, node in old.items():
            if key[0] == "securitySchemes":
                continue
            kind, name = key
            if key not in new:
                rule_id = "api-schema-removed" if kind == "schemas" else "api-component-removed"
                if kind == "schemas" or not _used(self.base, key):
                    message = f"{kind} {name} removed"
                    self.log.add(rule_id, message, node, None, Site("components"), subject=name)
            elif not _used(self.base, key) | _used(self.revision, key):
                self._unused_changed(f"{kind} {name}", node, new[key])
        for key, node in new.items():
            kind, name = key
            if key not in old and kind != "securitySchemes" and not _used(self.revision, key):
                rule_id = "api-schema-added" if kind == "schemas" else "api-component-added"
                message = f"{kind} {name} added, and nothing uses it"
                self.log.add(rule_id, message, None, node, Site("components"), subject=name)

    def _unused_changed(self, label: str, base: Node, revision: Node) -> None:
        if not alike(base.value, revision.value):
            message = f"{label} changed, and no operation uses it"
            site = Site("components")
            self.log.add("api-unused-component-changed", message, base, revision, site)


def _site(method: str, path: str, node: Node) -> Site:
    return Site("paths", method.upper(), path, node.value.get("operationId"))


def _components(tree: Tree) -> dict[tuple[str, str], Node]:
    components = tree.root.get("components")
    found = {}
    for kind, group in components.items() if components is not None else ():
        if kind[:2] != "x-" and isinstance(group.value, dict):
            for name, node in group.items():
                found[kind, name] = node
    return found


def _used(tree: Tree, key: tuple[str, str]) -> bool:
    return f"#/components/{key[0]}/{key[1]}" in tree.references()


_ROOT_FIELDS = {
    *("openapi", "info", "servers", "paths", "webhooks", "components", "security", "tags"),
}
_INFO_FIELDS = {"contact", "license", "termsOfService", "version"}
