"""The calls that an SDK's methods make, read from its JavaScript.

addItem(folderID, params, options) {
    const { workspaceId, ...body } = params;
    return this._client.post(path`/workspaces/${workspaceId}/items`, { body, ...options });
}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flora_contract.documents.sources.declarations import (
    DeclarationError,
    first,
    inside,
    line,
    parse,
    text,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_VERBS: Final = {
    "get": "GET",
    "post": "POST",
    "put": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "getAPIList": "GET",
}
_SHORT: Final = {"shorthand_property_identifier", "shorthand_property_identifier_pattern"}


@dataclass(frozen=True)
class Sent:
    """Where an argument goes: a part of the request, and its name there if it is one member."""

    part: str
    name: str = ""


@dataclass
class SdkCall:
    """A request that a method sends.

    `sent` says where each argument goes; `taken`, of an argument that is taken apart, where its
    members go, the rest of them under "".
    """

    method: str
    path: str
    line: int
    multipart: bool = False
    sent: dict[str, Sent] = field(default_factory=dict)
    taken: dict[str, dict[str, Sent]] = field(default_factory=dict)

    @property
    def operation(self) -> str:
        return f"{self.method} {self.path}"


def calls(source: bytes) -> dict[tuple[str, str], SdkCall | DeclarationError]:
    """The calls of a file, by class and method; what cannot be read is the error that says so."""
    found: dict[tuple[str, str], SdkCall | DeclarationError] = {}
    for definition in inside(parse(source), "class_declaration", "class"):
        owner = text(definition.child_by_field_name("name"))
        for method in inside(definition, "method_definition"):
            name = text(method.child_by_field_name("name"))
            for call in inside(method, "call_expression"):
                verb = _verb(call)
                if verb is None:
                    continue
                try:
                    found[owner, name] = _call(method, call, verb)
                except DeclarationError as error:
                    found[owner, name] = error
    return found


def _verb(call: Node) -> str | None:
    """The name of the client's method that is called; None for any other call."""
    function = call.child_by_field_name("function")
    if function is None or function.type != "member_expression":
        return None
    return (
        text(function.child_by_field_name("property"))
        if text(function.child_by_field_name("object")) == "this._client"
        else None
    )


def _call(method: Node, call: Node, verb: str) -> SdkCall:
    if verb not in _VERBS:
        raise DeclarationError(f"this._client.{verb} is no request that is known here")
    arguments = call.child_by_field_name("arguments")
    if arguments is None or not arguments.named_children:
        raise DeclarationError(f"this._client.{verb} is called without a path")
    path, *rest = arguments.named_children
    made = SdkCall(_VERBS[verb], _path(path), line(call))
    for name in inside(path, "template_substitution"):
        made.sent[_identifier(name)] = Sent("path", parameter(_identifier(name)))
    for argument in rest:
        _options(made, argument)
    for declarator in inside(method, "variable_declarator"):
        _taken(made, declarator)
    return made


def parameter(name: str) -> str:
    """A path parameter as the API writes it, `runId`, where the SDK has `runID`."""
    return f"{name[:-2]}Id" if name.endswith("ID") and name != "ID" else name


def _path(node: Node) -> str:
    template = node if node.type == "template_string" else first(node, "template_string")
    literal = template or (node if node.type == "string" else None)
    if literal is None:
        raise DeclarationError(f"the path {text(node)} is not written out")
    return "".join(
        text(part) if part.type == "string_fragment" else f"{{{parameter(_identifier(part))}}}"
        for part in literal.named_children
    )


def _identifier(substitution: Node) -> str:
    (value,) = substitution.named_children
    if value.type != "identifier":
        raise DeclarationError(f"the path holds {text(value)}, which is no argument")
    return text(value)


def _options(made: SdkCall, argument: Node) -> None:
    """What an argument after the path says: `{ body, query: { limit }, headers: … }`."""
    if argument.type == "call_expression":
        function = text(argument.child_by_field_name("function"))
        made.multipart = made.multipart or "multipartForm" in function
    options = argument if argument.type == "object" else first(argument, "object")
    for option in options.named_children if options is not None else ():
        if option.type in _SHORT and text(option) in {"body", "query"}:
            made.sent[text(option)] = Sent(text(option))
        elif option.type == "pair":
            key, value = option.child_by_field_name("key"), option.child_by_field_name("value")
            assert value is not None
            _option(made, text(key), value)


def _option(made: SdkCall, key: str, value: Node) -> None:
    if key == "method" and value.type == "string":
        made.method = text(value).strip("'\"").upper()
    elif key in {"body", "query"} and value.type == "identifier":
        made.sent[text(value)] = Sent(key)
    elif key in {"body", "query", "headers"}:
        part = "header" if key == "headers" else key
        for entry in inside(value, "shorthand_property_identifier"):
            made.sent[text(entry)] = Sent(part, text(entry))
        for entry in inside(value, "pair"):
            for name in inside(entry, "identifier"):
                own = text(entry.child_by_field_name("key")).strip("'\"")
                made.sent[text(name)] = Sent(part, own)


def _taken(made: SdkCall, declarator: Node) -> None:
    """`const { workspaceId, ...body } = params`."""
    pattern = declarator.child_by_field_name("name")
    value = declarator.child_by_field_name("value")
    if pattern is None or value is None or pattern.type != "object_pattern":
        return
    source = value if value.type == "identifier" else first(value, "identifier")
    members = made.taken.setdefault(text(source), {})
    for entry in pattern.named_children:
        if entry.type in _SHORT:
            name = local = text(entry)
        elif entry.type == "rest_pattern":
            name, local = "", text(first(entry, "identifier"))
        elif entry.type == "pair_pattern":
            name = text(entry.child_by_field_name("key")).strip("'\"")
            local = text(entry.child_by_field_name("value"))
        else:
            raise DeclarationError(f"{text(pattern)} is taken apart in a way no rule reads")
        if local in made.sent:
            members[name] = made.sent[local]
