"""The schemes by which callers show who they are: keys, tokens, OAuth flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flora_contract.diff.operations.by_name import by_name, fields, mapped
from flora_contract.diff.operations.findings import Site
from flora_contract.openapi.sameness import exact

if TYPE_CHECKING:
    from flora_contract.diff.operations.findings import Log
    from flora_contract.openapi.tree import Node, Tree

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


def compare_schemes(base: Tree, revision: Tree, log: Log, used: set[str]) -> None:
    """Note what differs between the security schemes of two contracts. `used`: what calls take."""
    for name, one, two in by_name(schemes(base), schemes(revision)):
        if one is None or two is None:
            verb = "added" if one is None else "removed"
            message = f"security scheme {name} {verb}"
            log.add(f"{_PREFIX}-{verb}", message, one, two, _SITE)
        else:
            one, two = base.resolve(one), revision.resolve(two)
            _SchemeDiff(name, one, two, log, used=name in used).run()


def schemes(tree: Tree) -> dict[str, Node]:
    """The security schemes of a contract by their names."""
    components = tree.root.get("components")
    return mapped(components, "securitySchemes") if components is not None else {}


def meaning(scheme: Node) -> str:
    """What callers do for a scheme, as a text to compare."""
    caseless = {"scheme", "name"} if scheme.mapping().get("in") == "header" else {"scheme"}
    found: dict[str, Any] = {"type": scheme.mapping().get("type")}
    found |= {
        word: _caseless(scheme.value.get(word)) if word in caseless else scheme.value.get(word)
        for word in _PLAIN
        if word != "bearerFormat"
    }
    for flow, node in mapped(scheme, "flows").items():
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
        for flow, one, two in fields(self.base, self.revision, "flows"):
            label = f"security scheme {self.name}, flow {flow}"
            if one is not None and two is not None:
                self._flow(label, one, two)
            elif one is not None:
                self._judged(f"{_PREFIX}-oauth-flow-removed", f"{label} removed", one, None)
            else:
                self.log.add(f"{_PREFIX}-oauth-flow-added", f"{label} added", None, two, _SITE)

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
