"""Who may call: the requirements of operations, judged as a whole, and the schemes they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flora_contract.diff.facts import exact
from flora_contract.diff.log import Site
from flora_contract.diff.methods import operations_of

if TYPE_CHECKING:
    from flora_contract.diff.log import Log
    from flora_contract.diff.operations import OperationNode
    from flora_contract.diff.tree import Node, Tree

Way = dict[str, list[str]]
"""Schemes that are all needed, each with its scopes. Without any, nothing is needed."""


@dataclass(frozen=True)
class Requirements:
    """The ways in which an operation, or the whole API, may be called: any one of them."""

    node: Node
    listed: tuple[Way, ...]
    own: bool
    tree: Tree

    @property
    def ways(self) -> tuple[Way, ...]:
        """The same, with the way that is left where none is listed."""
        return self.listed or ({},)

    @property
    def named(self) -> dict[frozenset[str], Way]:
        """The listed ways by the schemes they take; of two that take the same, the last."""
        return {frozenset(way): way for way in self.listed}


def requirements(holder: Node, tree: Tree) -> Requirements:
    """What a node says under `security`."""
    node = holder.get("security")
    if node is None:
        return Requirements(holder, (), own=False, tree=tree)
    ways = tuple(
        {str(name): list(wanted or []) for name, wanted in way.mapping().items()}
        for way in node.each()
    )
    return Requirements(node, ways, own=True, tree=tree)


def effective(endpoint: OperationNode) -> Requirements:
    """What holds for an operation: its own requirements, or those of the whole API."""
    own = requirements(endpoint.node, endpoint.tree)
    if own.own:
        return own
    shared = requirements(endpoint.tree.root, endpoint.tree)
    return Requirements(endpoint.node, shared.listed, own=False, tree=endpoint.tree)


def compare_shared(base: Tree, revision: Tree, log: Log) -> None:
    """Note what differs in the requirements of the whole API."""
    old, new = requirements(base.root, base), requirements(revision.root, revision)
    inherited = any("security" not in node.value for node in operations_of(revision))
    _compare(old, new, Site("security"), log, "api-global-security", _lost(old, new, inherited))


def compare_own(
    old: Requirements, new: Requirements, site: Site, log: Log, *, by_server: bool
) -> None:
    """Note what differs in the requirements of an operation.

    `by_server`: a webhook or callback, where the server proves who it is.
    """
    lost = _lost(new, old) if by_server else _lost(old, new)
    _compare(old, new, site, log, "api-security", lost)


def _lost(had: Requirements, wanted: Requirements, matters: bool = True) -> list[Way]:
    """The ways of calling that were enough, and are no longer."""
    if not matters:
        return []
    return [
        way for way in had.ways if not any(_is_enough(way, one, had, wanted) for one in wanted.ways)
    ]


def _is_enough(way: Way, wanted: Way, had: Requirements, asking: Requirements) -> bool:
    """Whether who calls in one way has all that another way takes, whatever it is called."""
    return all(
        any(
            {*scopes} <= {*given} and _is_same(held, name, had.tree, asking.tree)
            for held, given in way.items()
        )
        for name, scopes in wanted.items()
    )


def _is_same(one: str, two: str, ones: Tree, twos: Tree) -> bool:
    """Whether two names are those of one scheme; what differs in it is told where it stands."""
    if one == two:
        return True
    first, second = _schemes(ones).get(one), _schemes(twos).get(two)
    if first is None or second is None:
        return False
    return _meaning(ones.resolve(first)) == _meaning(twos.resolve(second))


def _compare(
    old: Requirements, new: Requirements, site: Site, log: Log, prefix: str, lost: list[Way]
) -> None:
    """Note the ways and scopes that came and went; one change if calls are lost by them."""

    def note(kind: str, message: str, subject: str) -> None:
        told = "" if lost else subject
        edit = "security" if lost else ""
        log.add(f"{prefix}-{kind}", message, old.node, new.node, site, subject=told, edit=edit)

    if lost:
        ways = " or ".join(map(_shown, lost))
        now = " or ".join(map(_shown, new.ways))
        note("way-lost", f"{ways} was enough for a call, and is no longer: now {now}", "")
    before, after = old.named, new.named
    for names, way in before.items():
        if names not in after:
            note("removed", f"no longer callable with {_shown(way)}", _shown(way))
    for names, way in after.items():
        if names not in before:
            note("added", f"now callable with {_shown(way)}", _shown(way))
            continue
        had = _pairs(before[names])
        for scheme, scope in sorted(had - _pairs(way)):
            message = f"{scheme} no longer needs scope {scope}"
            note("scope-removed", message, f"{scheme} {scope}")
        for scheme, scope in sorted(_pairs(way) - had):
            note("scope-added", f"{scheme} now needs scope {scope}", f"{scheme} {scope}")


def _pairs(way: Way) -> set[tuple[str, str]]:
    return {(scheme, scope) for scheme, wanted in way.items() for scope in wanted}


def _shown(way: Way) -> str:
    if not way:
        return "no credentials"
    return " and ".join(
        f"{name}: [{', '.join(wanted)}]" if wanted else name for name, wanted in way.items()
    )


# Schemes

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
_PREFIX = "api-security-component"


def compare_schemes(base: Tree, revision: Tree, log: Log) -> None:
    """Note what differs between the security schemes of two contracts."""
    old, new = _schemes(base), _schemes(revision)
    used = _asked_for(base) & _asked_for(revision)
    for name, node in old.items():
        if name not in new:
            log.add(f"{_PREFIX}-removed", f"security scheme {name} removed", node, None, _SITE)
            continue
        one, two = base.resolve(node), revision.resolve(new[name])
        _SchemeDiff(name, one, two, log, used=name in used).run()
    for name, node in new.items():
        if name not in old:
            log.add(f"{_PREFIX}-added", f"security scheme {name} added", None, node, _SITE)


def _schemes(tree: Tree) -> dict[str, Node]:
    components = tree.root.get("components")
    schemes = components.get("securitySchemes") if components is not None else None
    return dict(schemes.items()) if schemes is not None else {}


def _asked_for(tree: Tree) -> set[str]:
    """The names of the schemes that any requirement takes."""
    holders = [tree.root, *operations_of(tree)]
    return {name for one in holders for way in requirements(one, tree).listed for name in way}


def _meaning(scheme: Node) -> str:
    """What callers do for a scheme, as a text to compare."""
    caseless = {"scheme", "name"} if scheme.mapping().get("in") == "header" else {"scheme"}
    found: dict[str, Any] = {"type": scheme.mapping().get("type")}
    found |= {
        word: _caseless(scheme.value.get(word)) if word in caseless else scheme.value.get(word)
        for word in _PLAIN
        if word != "bearerFormat"
    }
    flows = scheme.get("flows")
    for flow, node in flows.items() if flows is not None else ():
        found[flow] = {word: node.mapping().get(word) for word in _URLS}
    return exact(found)


def _differs(word: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether a field differs: schemes of HTTP and names of headers have no case."""
    one, two = old.get(word), new.get(word)
    if word == "scheme" or (word == "name" and "header" in {old.get("in"), new.get("in")}):
        one, two = _caseless(one), _caseless(two)
    return bool(one != two)


def _caseless(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


@dataclass(frozen=True)
class _SchemeDiff:
    """Compares two security schemes of one name. `used`: whether calls take it."""

    name: str
    base: Node
    revision: Node
    log: Log
    used: bool

    def run(self) -> None:
        """Note what differs."""
        old, new = self.base.mapping(), self.revision.mapping()
        if old.get("type") != new.get("type"):
            message = f"security scheme {self.name}: type {old.get('type')} to {new.get('type')}"
            self._add("type", message, "in-use-changed")
            return
        for word, kind in _PLAIN.items():
            if _differs(word, old, new):
                message = f"security scheme {self.name}: {word} {old.get(word)} to {new.get(word)}"
                self._judged(f"{_PREFIX}-{kind}-changed", message, self.base, self.revision)
        self.log.words(self.base, self.revision, _SITE, {*_PLAIN, "type", "flows"})
        self._flows()

    def _add(self, kind: str, message: str, beside: str) -> None:
        """Note a change, and what it does to those who use the scheme."""
        nodes = self.base, self.revision
        self.log.add(f"{_PREFIX}-{kind}-changed", message, *nodes, _SITE, edit=f"scheme {kind}")
        if self.used:
            self.log.add(f"{_PREFIX}-{beside}", message, *nodes, _SITE, edit=f"scheme {kind}")

    def _judged(self, rule_id: str, message: str, base: Node | None, revision: Node | None) -> None:
        """Note a change, which is nobody's harm if nobody uses the scheme."""
        if not self.used:
            rule_id = "api-unused-component-changed"
            message = f"{message}, and no operation uses it"
        self.log.add(rule_id, message, base, revision, _SITE, subject=message)

    def _flows(self) -> None:
        old, new = self.base.get("flows"), self.revision.get("flows")
        before = dict(old.items()) if old is not None else {}
        after = dict(new.items()) if new is not None else {}
        for flow, node in before.items():
            label = f"security scheme {self.name}, flow {flow}"
            if flow in after:
                self._flow(label, node, after[flow])
            else:
                self._judged(f"{_PREFIX}-oauth-flow-removed", f"{label} removed", node, None)
        for flow, node in after.items():
            if flow not in before:
                message = f"security scheme {self.name}, flow {flow} added"
                self.log.add(f"{_PREFIX}-oauth-flow-added", message, None, node, _SITE)

    def _flow(self, label: str, base: Node, revision: Node) -> None:
        for word, kind in _URLS.items():
            one, two = base.mapping().get(word), revision.mapping().get(word)
            if one == two:
                continue
            message, edit = f"{label}: {word} {one} to {two}", f"{kind}"
            self.log.add(f"{_PREFIX}-{kind}-changed", message, base, revision, _SITE, edit=edit)
            if self.used and one is not None and two is not None:
                rule_id = f"{_PREFIX}-in-use-moved"
                self.log.add(rule_id, message, base, revision, _SITE, edit=edit)
        _compare_scopes(label, base, revision, self.log)


def _compare_scopes(label: str, base: Node, revision: Node, log: Log) -> None:
    prefix = f"{_PREFIX}-oauth-scope"
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
