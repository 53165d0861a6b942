"""What things of a document are called in Python."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

from openapi_python_client.config import ClassOverride
from openapi_python_client.parser.openapi import generate_operation_id
from openapi_python_client.schema.untrusted_string import UntrustedString
from openapi_python_client.strings import PythonIdentifier, snake_case

from flora_runtime import errors
from flora_runtime.client import SyncClient

if TYPE_CHECKING:
    from collections.abc import Container

    from openapi_python_client.parser.properties.protocol import PropertyProtocol

    from flora_contract.openapi import Operation
    from flora_contract.openapi.behaviour import OperationBehaviour, Role

_TAKEN_FIELDS = {
    "self",
    "extra_fields",
    "call",
    "to_dict",
    "to_json",
    "from_dict",
    "idempotency_key",
}
_TAKEN_ARGUMENTS = {
    "self",
    "options",
    "timeout",
    "max_retries",
    "idempotency_key",
    "extra_headers",
    "extra_query",
    "extra_body",
}
_TAKEN_RESOURCES = {name for name in dir(SyncClient) if not name.startswith("_")}

ERROR_NAMES = sorted(
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and value.__module__ == errors.__name__
)

_IMPORT = re.compile(r"^from [\w.]+ import (\([^)]*\)|.+)$", re.MULTILINE)

_HINTS = {"bool", "dict", "float", "int", "str", "tuple"}
"""Names that a field must not take, since the hints of its neighbours are written with them."""

_VERBS: dict[Role, str] = {
    "create": "create",
    "read": "retrieve",
    "list": "list",
    "update": "update",
    "delete": "delete",
}
"""Names of methods by the role of their operations."""


def class_overrides() -> dict[str, ClassOverride]:
    """Other names for schemas that are called like what generated code imports: a `Decimal` of the
    API must not become the type of its prices."""
    templates = (resources.files("flora_contract.codegen") / "templates").iterdir()
    imports = "\n".join(
        found for template in templates for found in _IMPORT.findall(template.read_text("utf-8"))
    )
    plain = re.sub(r"#.*|\{.*|\w+ as ", "", imports)
    return {
        name: ClassOverride.model_validate({"class_name": f"{name}Model"})
        for name in {*re.findall(r"\b[A-Z][a-z]\w*", plain), *ERROR_NAMES}
    }


def method_names(stated: OperationBehaviour) -> tuple[str, str]:
    """The attribute of the client that a method belongs to, dotted where attributes are within
    attributes, and its own name."""
    operation = stated.endpoint.operation
    if stated.resource is None or stated.role is None:
        resource = (operation.node.get("tags") or ["default"])[0]
        name = endpoint_name(operation)
    else:
        resource = _plural(snake_case(stated.resource.kind))
        name = _VERBS.get(stated.role) or endpoint_name(operation)
    given = str(operation.node.get("x-resource", "")).split(".")
    place = [identifier(part) for part in (given if any(given) else [resource])]
    place[0] = free(place[0], "_resource", _TAKEN_RESOURCES)
    return ".".join(place), identifier(operation.node.get("x-method", name))


def field_name(prop: PropertyProtocol) -> str:
    """The name of a member of a model."""
    name = _python_name(prop)
    return f"{name}_value" if name in _TAKEN_FIELDS else name


def argument_name(prop: PropertyProtocol) -> str:
    """The name of an argument of a method."""
    name = _python_name(prop)
    return f"{name}_value" if name in _TAKEN_ARGUMENTS else name


def free(name: str, suffix: str, taken: Container[str]) -> str:
    """A name, with a suffix where it is another's."""
    return f"{name}{suffix}" if name in taken else name


def enum_members(values: dict[str, Any]) -> dict[str, str | int]:
    """The values of an enum by names with their words apart: `IMAGE_URL` for `imageUrl`."""
    names = [snake_case(str(value)).upper() for value in values.values()]
    if not all(name.isidentifier() for name in names) or len(set(names)) < len(names):
        names = list(values)
    return dict(zip(names, values.values(), strict=True))


def _plural(name: str) -> str:
    if re.search(r"[^aeiou]y$", name):
        return f"{name[:-1]}ies"
    return f"{name}es" if re.search(r"(s|x|z|ch|sh)$", name) else f"{name}s"


def _python_name(prop: PropertyProtocol) -> str:
    """The generator's name, without the mark it puts on the names of builtins."""
    name = str(prop.python_name)
    bare = name.removesuffix("_")
    if bare in _HINTS:
        return name
    if bare != name and bare == snake_case(prop.name) and not keyword.iskeyword(bare):
        return bare
    return name


def endpoint_name(operation: Operation) -> str:
    """What the generator calls an operation."""
    if "operationId" in operation.node:
        return str(PythonIdentifier(operation.node["operationId"], "field_"))
    path = UntrustedString(operation.path)
    return str(generate_operation_id(path=path, method=operation.method.lower(), prefix="field_"))


def identifier(text: str) -> str:
    """A name in Python."""
    name = re.sub(r"\W+", "_", snake_case(str(text))) or "default"
    return f"{name}_" if keyword.iskeyword(name) else name if name.isidentifier() else f"_{name}"
