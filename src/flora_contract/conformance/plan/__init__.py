"""What the suite does to a server: small steps by role, in layers, cheapest first.

A step is a template (what to do to any operation of some role) and the operation that it is done
to. It only sends requests; what their answers mean is for the oracles to say.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flora_contract.conformance.session import Session
    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour

Layer = Literal["requests", "lifecycle", "lists", "generated", "documented"]
LAYERS: tuple[Layer, ...] = get_args(Layer)


@dataclass(frozen=True)
class Step:
    """A named step of the plan."""

    name: str
    layer: Layer
    sentence: str
    function: Callable[[Session], None]


@dataclass(frozen=True)
class _Template:
    name: str
    layer: Layer
    sentence: str
    function: Callable[..., None]
    operations: Callable[[Behaviour], Iterable[OperationBehaviour]] | None

    def steps(self, behaviour: Behaviour) -> list[Step]:
        if self.operations is None:
            return [Step(self.name, self.layer, self.sentence, self.function)]
        return [
            Step(
                f"{self.name}-{operation.id}",
                self.layer,
                self.sentence,
                partial(_perform, self.function, operation.id),
            )
            for operation in self.operations(behaviour)
        ]


def _perform(function: Callable[..., None], operation_id: str, session: Session) -> None:
    function(session, session.behaviour.of(operation_id))


_templates: list[_Template] = []


def step(
    layer: Layer, of: Callable[[Behaviour], Iterable[OperationBehaviour]] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a template, under its own name: for each operation, or once."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        name = function.__name__.replace("_", "-")
        sentence = " ".join((function.__doc__ or "").split())
        _templates.append(_Template(name, layer, sentence, function, of))
        return function

    return register


def plan(behaviour: Behaviour) -> list[Step]:
    """All steps for a contract and its statements, in the order in which they are taken."""
    for layer in LAYERS:
        importlib.import_module(f"{__name__}.{layer}")
    ordered = sorted(_templates, key=lambda t: LAYERS.index(t.layer))
    return [made for template in ordered for made in template.steps(behaviour)]


# Which operations a template is for


def in_order(
    behaviour: Behaviour, operations: Iterable[OperationBehaviour]
) -> list[OperationBehaviour]:
    """Operations, so that what others refer to comes before them."""
    depths: dict[str, int] = {}

    def depth(kind: str) -> int:
        if kind not in depths:
            depths[kind] = 0  # a kind may refer to itself
            targets = {r.to for r in behaviour.kind(kind).references.values()}
            depths[kind] = 1 + max((depth(t) for t in targets - {kind}), default=0)
        return depths[kind]

    return sorted(operations, key=lambda o: depth(o.resource.kind) if o.resource else 0)


def every(behaviour: Behaviour) -> list[OperationBehaviour]:
    return list(behaviour.operations.values())


def creating(behaviour: Behaviour) -> list[OperationBehaviour]:
    return in_order(behaviour, behaviour.with_role("create"))


def first_creating(behaviour: Behaviour) -> list[OperationBehaviour]:
    """Those that create; of several that cost money for one kind, the first."""
    found: list[OperationBehaviour] = []
    for operation in creating(behaviour):
        paid = operation.charges is not None
        if not paid or all(o.resource is not operation.resource for o in found):
            found.append(operation)
    return found


def listing(behaviour: Behaviour) -> list[OperationBehaviour]:
    lists = [o for o in behaviour.operations.values() if o.listing is not None]
    return in_order(behaviour, lists)


def updating(behaviour: Behaviour) -> list[OperationBehaviour]:
    return in_order(behaviour, behaviour.with_role("update"))


def deleting(behaviour: Behaviour) -> list[OperationBehaviour]:
    """What stands below something else is deleted before it."""
    return in_order(behaviour, behaviour.with_role("delete"))[::-1]


def living(behaviour: Behaviour) -> list[OperationBehaviour]:
    """What reads a resource that moves by itself."""
    return [o for o in behaviour.with_role("read") if o.resource is not None and o.resource.life]
