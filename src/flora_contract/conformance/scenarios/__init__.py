"""What the suite does to a server: named steps in four layers, cheapest first.

A scenario only sends requests; what their answers mean is for the oracles to say.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.conformance.session import Session

Layer = Literal["requests", "lifecycle", "history", "generated"]
LAYERS: tuple[Layer, ...] = ("requests", "lifecycle", "history", "generated")


@dataclass(frozen=True)
class Scenario:
    """A named step."""

    name: str
    layer: Layer
    sentence: str
    function: Callable[[Session], None]


_registry: dict[str, Scenario] = {}


def scenario(
    layer: Layer,
) -> Callable[[Callable[[Session], None]], Callable[[Session], None]]:
    """Register a function as a scenario, under its own name."""

    def register(function: Callable[[Session], None]) -> Callable[[Session], None]:
        name = function.__name__.replace("_", "-")
        sentence = " ".join((function.__doc__ or "").split())
        _registry[name] = Scenario(name, layer, sentence, function)
        return function

    return register


def scenarios() -> list[Scenario]:
    """All scenarios, in the order in which they run."""
    for layer in LAYERS:
        importlib.import_module(f"{__name__}.{layer}")
    return sorted(_registry.values(), key=lambda s: LAYERS.index(s.layer))
