"""Who may call: the requirements of operations and of the whole API, judged as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flora_contract.diff.operations.findings import Site
from flora_contract.diff.operations.methods import operations_of
from flora_contract.diff.operations.security_schemes import meaning, schemes

if TYPE_CHECKING:
    from flora_contract.diff.operations.findings import Log
    from flora_contract.diff.operations.pair import OperationNode, OperationPair
    from flora_contract.openapi.tree import Node, Tree

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


def asked_for(tree: Tree) -> set[str]:
    """The names of the schemes that any requirement takes."""
    holders = [tree.root, *operations_of(tree)]
    return {name for one in holders for way in requirements(one, tree).listed for name in way}


def effective(operation: OperationNode) -> Requirements:
    """What holds for an operation: its own requirements, or those of the whole API."""
    own = requirements(operation.node, operation.tree)
    if own.own:
        return own
    shared = requirements(operation.tree.root, operation.tree)
    return Requirements(operation.node, shared.listed, own=False, tree=operation.tree)


def compare_shared(base: Tree, revision: Tree, log: Log) -> None:
    """Note what differs in the requirements of the whole API."""
    old, new = requirements(base.root, base), requirements(revision.root, revision)
    inherited = any("security" not in node.value for node in operations_of(revision))
    _compare(old, new, Site("security"), log, "api-global-security", _lost(old, new, inherited))


def compare_own(of: OperationPair) -> None:
    """Note what differs in the requirements of an operation, unless it has none of its own.

    In a webhook or callback it is the server that proves who it is.
    """
    old, new = (
        requirements(one.node, one.tree) if of.called_by_server else effective(one)
        for one in (of.base, of.revision)
    )
    if old.own or new.own:
        lost = _lost(new, old) if of.called_by_server else _lost(old, new)
        _compare(old, new, of.site, of.log, "api-security", lost)


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
    first, second = schemes(ones).get(one), schemes(twos).get(two)
    if first is None or second is None:
        return False
    return meaning(ones.resolve(first)) == meaning(twos.resolve(second))


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
