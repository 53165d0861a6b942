"""Parameters and headers: single values that are sent beside a body, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flora_contract.diff.operations.by_name import by_name, mapped
from flora_contract.diff.operations.pair import content_of, schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.diff.operations.pair import OperationNode, OperationPair
    from flora_contract.diff.reading.schema import Schema, Schemas
    from flora_contract.openapi.tree import Node, Tree

IGNORED = {"accept", "content-type"}
"""Headers that `content` tells of, and that OpenAPI ignores as parameters. It ignores
Authorization as well; but who writes that one means that it must be sent."""

_SCALARS = {"boolean", "integer", "number", "string"}


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation, or a header of one of its answers.

    `of_path`: whether the path item declares it for all operations.
    """

    node: Node
    name: str
    location: str
    of_path: bool = False
    status: str = ""  # of the answer whose header it is

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it; headers are told apart without regard to case."""
        return self.location, self.name.lower() if self.location == "header" else self.name

    @property
    def label(self) -> str:
        """What people call it."""
        if self.status:
            return f"header {self.name} of response {self.status}"
        return f"{self.location} parameter {self.name}"

    @property
    def is_ignored(self) -> bool:
        """Whether OpenAPI ignores it, whatever it says."""
        return self.location == "header" and self.name.lower() in IGNORED

    @property
    def required(self) -> bool:
        """Whether no message goes without it."""
        return self.node.mapping().get("required") is True

    @property
    def style(self) -> str:
        """How its value is written."""
        default = "form" if self.location in {"query", "cookie"} else "simple"
        return str(self.node.value.get("style", default))

    @property
    def explodes(self) -> bool:
        """Whether the parts of its value are written one by one."""
        return bool(self.node.value.get("explode", self.style == "form"))

    @property
    def repeats(self) -> bool:
        """Whether a list is sent as one `name=value` for each item."""
        return self.location in {"query", "cookie"} and self.explodes

    def parts_by_explode(self, schemas: Schemas) -> bool:
        """Whether `explode` makes a difference to how some value is written."""
        schema = schema_of(self.node)
        return explode_matters(self.style, schemas.of(schema) if schema is not None else None)


Parameters = dict[tuple[str, str], Parameter]


def explode_matters(style: str, schema: Schema | None) -> bool:
    """Whether a style writes some value of a schema in another way when it explodes."""
    if style == "deepObject":
        return False
    types = schema.types if schema is not None else None
    if types is None:
        return True
    return not types <= (_SCALARS | {"array"} if style == "simple" else _SCALARS)


def parameters(operation: OperationNode, names: dict[str, str]) -> Parameters:
    """The parameters that hold for an operation; `names` has the old names of renamed path ones."""
    found: Parameters = {}
    for holder, of_path in ((operation.item, True), (operation.node, False)):
        listed = holder.get("parameters")
        for entry in listed.each() if listed is not None else ():
            node = operation.tree.resolve(entry)
            name, location = str(node.mapping().get("name")), str(node.value.get("in"))
            if location == "path":
                name = names.get(name, name)
            parameter = Parameter(node, name, location, of_path)
            found[parameter.key] = parameter
    return found


def headers(response: Node, tree: Tree, status: str) -> Parameters:
    """The headers of an answer."""
    given = mapped(response, "headers").items()
    found = [Parameter(tree.resolve(node), name, "header", status=status) for name, node in given]
    return {one.key: one for one in found}


def judged(
    of: OperationPair, old: Parameters, new: Parameters
) -> Iterator[tuple[Parameter | None, Parameter | None]]:
    """Each parameter or header with its counterpart, but for those that OpenAPI ignores."""
    for _, one, two in by_name(old, new):
        known = one or two
        if known is None or not known.is_ignored:
            yield one, two
        elif one is None or two is None or one.node.value != two.node.value:
            message = f"{known.label} differs, and OpenAPI ignores it"
            nodes = one.node if one else None, two.node if two else None
            of.add("ignored-header-changed", message, *nodes, subject=known.label)


def styles(
    of: OperationPair, base: Parameter, revision: Parameter, *, written_by: Parameter
) -> Iterator[tuple[str, str]]:
    """What differs in how a value is written: `style` or `explode`, and what to say of it."""
    if content_of(base.node) and content_of(revision.node):
        return
    if base.style != revision.style:
        yield "style", f"style {base.style} to {revision.style}"
    elif base.explodes != revision.explodes:
        schemas = of.log.pairs.base if written_by is base else of.log.pairs.revision
        if written_by.parts_by_explode(schemas):
            yield "explode", f"explode {base.explodes} to {revision.explodes}"
