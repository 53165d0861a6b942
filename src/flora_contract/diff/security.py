"""Security requirements and the schemes they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flora_contract.diff.log import Site

if TYPE_CHECKING:
    from flora_contract.diff.log import Log
    from flora_contract.diff.operations import OperationNode
    from flora_contract.diff.tree import Node, Tree


@dataclass(frozen=True)
class Requirements:
    """The ways in which an operation, or the whole API, may be called: any one of them."""

    node: Node
    ways: dict[frozenset[str], dict[str, list[str]]]
    own: bool


def requirements(holder: Node) -> Requirements:
    """What a node says under `security`."""
    node = holder.get("security")
    if node is None:
        return Requirements(holder, {}, own=False)
    ways = {}
    for way in node.each():
        scopes = {str(name): list(wanted or []) for name, wanted in way.mapping().items()}
        ways[frozenset(scopes)] = scopes
    return Requirements(node, ways, own=True)


def effective(endpoint: OperationNode) -> Requirements:
    """What holds for an operation: its own requirements, or those of the whole API."""
    own = requirements(endpoint.node)
    if own.own:
        return own
    shared = requirements(endpoint.tree.root)
    return Requirements(endpoint.node, shared.ways, own=False)


def compare_requirements(
    old: Requirements, new: Requirements, site: Site, log: Log, prefix: str
) -> None:
    """Note the ways and scopes that came and went."""

    def note(kind: str, message: str, subject: str) -> None:
        log.add(f"{prefix}-{kind}", message, old.node, new.node, site, subject=subject)

    for names, scopes in old.ways.items():
        if names not in new.ways:
            note("removed", f"no longer callable with {_way(scopes)}", _way(scopes))
    for names, scopes in new.ways.items():
        if names not in old.ways:
            note("added", f"now callable with {_way(scopes)}", _way(scopes))
            continue
        had = _pairs(old.ways[names])
        for scheme, scope in sorted(had - _pairs(scopes)):
            message = f"{scheme} no longer needs scope {scope}"
            note("scope-removed", message, f"{scheme} {scope}")
        for scheme, scope in sorted(_pairs(scopes) - had):
            note("scope-added", f"{scheme} now needs scope {scope}", f"{scheme} {scope}")


def _pairs(scopes: dict[str, list[str]]) -> set[tuple[str, str]]:
    return {(scheme, scope) for scheme, wanted in scopes.items() for scope in wanted}


def _way(scopes: dict[str, list[str]]) -> str:
    if not scopes:
        return "no credentials"
    return " and ".join(
        f"{name}: [{', '.join(wanted)}]" if wanted else name for name, wanted in scopes.items()
    )


_PLAIN = {
    "scheme": "http-scheme",
    "bearerFormat": "bearer-format",
    "in": "in",
    "name": "name",
    "openIdConnectUrl": "open-id-connect-url",
}
_URLS = {
    "authorizationUrl": "oauth-url",
    "tokenUrl": "oauth-token-url",
    "refreshUrl": "oauth-refresh-url",
}
_SITE = Site("security")


def compare_schemes(base: Tree, revision: Tree, log: Log) -> None:
    """Note what differs between the security schemes of two contracts."""
    old, new = _schemes(base), _schemes(revision)
    prefix = "api-security-component"
    for name, node in old.items():
        if name not in new:
            log.add(f"{prefix}-removed", f"security scheme {name} removed", node, None, _SITE)
            continue
        _compare_scheme(name, base.resolve(node), revision.resolve(new[name]), log)
    for name, node in new.items():
        if name not in old:
            log.add(f"{prefix}-added", f"security scheme {name} added", None, node, _SITE)


def _schemes(tree: Tree) -> dict[str, Node]:
    components = tree.root.get("components")
    schemes = components.get("securitySchemes") if components is not None else None
    return dict(schemes.items()) if schemes is not None else {}


def _compare_scheme(name: str, base: Node, revision: Node, log: Log) -> None:
    prefix = "api-security-component"
    old, new = base.mapping(), revision.mapping()
    if old.get("type") != new.get("type"):
        message = f"security scheme {name}: type {old.get('type')} to {new.get('type')}"
        log.add(f"{prefix}-type-changed", message, base, revision, _SITE)
        return
    for word, kind in _PLAIN.items():
        if old.get(word) != new.get(word):
            message = f"security scheme {name}: {word} {old.get(word)} to {new.get(word)}"
            log.add(f"{prefix}-{kind}-changed", message, base, revision, _SITE)
    log.words(base, revision, _SITE, {*_PLAIN, "type", "flows"})
    _compare_flows(name, base, revision, log)


def _compare_flows(name: str, base: Node, revision: Node, log: Log) -> None:
    prefix = "api-security-component-oauth"
    old, new = base.get("flows"), revision.get("flows")
    before = dict(old.items()) if old is not None else {}
    after = dict(new.items()) if new is not None else {}
    for flow, node in before.items():
        label = f"security scheme {name}, flow {flow}"
        if flow not in after:
            log.add(f"{prefix}-flow-removed", f"{label} removed", node, None, _SITE)
            continue
        for word, kind in _URLS.items():
            one, two = node.mapping().get(word), after[flow].mapping().get(word)
            if one != two:
                rule_id = f"api-security-component-{kind}-changed"
                message = f"{label}: {word} {one} to {two}"
                log.add(rule_id, message, node, after[flow], _SITE)
        _compare_scopes(label, node, after[flow], log)
    for flow, node in after.items():
        if flow not in before:
            message = f"security scheme {name}, flow {flow} added"
            log.add(f"{prefix}-flow-added", message, None, node, _SITE)


def _compare_scopes(label: str, base: Node, revision: Node, log: Log) -> None:
    prefix = "api-security-component-oauth-scope"
    old, new = base.value.get("scopes") or {}, revision.value.get("scopes") or {}
    for scope in [*old, *(scope for scope in new if scope not in old)]:
        if scope not in new:
            kind = "removed"
        elif scope not in old:
            kind = "added"
        elif old[scope] != new[scope]:
            kind = "changed"
        else:
            continue
        message = f"{label}: scope {scope} {kind}"
        log.add(f"{prefix}-{kind}", message, base, revision, _SITE, subject=str(scope))
