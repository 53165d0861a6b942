"""The vendor's TypeScript SDK, as npm publishes it: its declarations and the calls beside them.

A method of a resource is an operation. The declarations (`resources/**/*.d.ts`) state its
parameters, members, values, nullability and comments; the JavaScript beside them states method,
path and what goes where.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from flora_contract.documents.facts.fact import (
    PageFact,
    Place,
    SourcePage,
    Unread,
    alternatives,
    is_operation,
    unique,
)
from flora_contract.documents.sources.calls import SdkCall, Sent, calls
from flora_contract.documents.sources.declarations import (
    DECLARATIONS,
    DeclarationError,
    Package,
    Typed,
    comment,
    first,
    line,
    text,
)
from flora_contract.documents.sources.prose import facts_of_sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tree_sitter import Node

    from flora_contract.documents.facts.fact import Scalar
    from flora_contract.documents.sources.declarations import Module, SdkMember

_NAMES: Final = {"string": "string", "number": "number", "boolean": "boolean"}
_NOTHING: Final = {"null", "undefined"}
_OBJECTS: Final = {"interface_declaration", "class_declaration", "object_type"}
_LISTS: Final = {"Array", "ReadonlyArray"}
_FILES: Final = {"Uploadable", "File", "Blob"}
_PROMISES: Final = {"APIPromise", "PagePromise", "Promise"}
_NO_BODY: Final = {"void", "unknown", "Response", "any"}
_MARKS: Final = re.compile(r"^(?:Path|Query|Header|Body) param: ")
"""What the SDK's generator puts before the words of a member, where members go to many parts."""
_DEEPEST: Final = 12


def label(version: str) -> str:
    """What `x-source` calls a version: `TS011` for 0.11.0, `TS07` for 0.7.1."""
    major, minor, *_ = version.split(".")
    return f"TS{major}{minor}"


def read(files: Mapping[str, bytes], file: str) -> SourcePage:
    """The facts of a package, given by its files. Raises KeyError where it is no package."""
    version = json.loads(files["package.json"])["version"]
    package = Package(files)
    reading = _SdkReading(package)
    for name, module in package.modules.items():
        if name.startswith("resources/"):
            stem = name.removesuffix(DECLARATIONS)
            script = files.get(f"{stem}.mjs") or files.get(f"{stem}.js") or b""
            reading.module(module, calls(script))
    facts = described(reading.facts)
    return SourcePage(label(version), "sdk", file, facts, reading.unread, version)


def described(facts: list[PageFact]) -> list[PageFact]:
    """Facts, without mentions of operations that they describe, whatever a path's names are."""
    known = {_shape(fact) for fact in facts if is_operation(fact)}
    return unique(fact for fact in facts if fact.value != "mention" or _shape(fact) not in known)


def _shape(fact: PageFact) -> str:
    return re.sub(r"\{[^}]*\}", "{}", fact.place.operation)


class _SdkReading:
    """What was read so far."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.facts: list[PageFact] = []
        self.unread: list[Unread] = []

    def module(
        self, module: Module, made: Mapping[tuple[str, str], SdkCall | DeclarationError]
    ) -> None:
        """Read the operations of a file."""
        for owner, node in module.types.items():
            body = node.child_by_field_name("body")
            if node.type != "class_declaration" or body is None:
                continue
            for method in body.named_children:
                call = made.get((owner, text(method.child_by_field_name("name"))))
                if method.type != "method_signature" or call is None:
                    continue
                try:
                    if isinstance(call, DeclarationError):
                        raise call
                    self.operation(Typed(method, module), call)
                except DeclarationError as error:
                    self.unread.append(Unread(line(method), str(error), module.file))

    def operation(self, method: Typed, call: SdkCall) -> None:
        """Read the operation that a method is."""
        place, at = Place(call.operation), (method.module.file, line(method.node))
        self.state(place, "is", "operation", at)
        words = comment(method.node)
        if "@deprecated" in words:
            self.state(place, "deprecated", value=True, at=at)
        self.words(words, place, at)
        parameters = method.node.child_by_field_name("parameters")
        for parameter in parameters.named_children if parameters is not None else ():
            self.argument(method, parameter, call)
        answer = method.node.child_by_field_name("return_type")
        if answer is not None:
            self.answer(method.at(answer.named_children[0]), Place(call.operation, "answer"))

    def argument(self, method: Typed, parameter: Node, call: SdkCall) -> None:
        """An argument: a member of the path, the query, the body, or many of them."""
        name = text(parameter.child_by_field_name("pattern"))
        annotation = parameter.child_by_field_name("type")
        if annotation is None:
            return
        typed = method.at(annotation.named_children[0])
        at = (method.module.file, line(parameter))
        if name in call.taken:
            for member in self.members(typed):
                goes = call.taken[name].get(member.name, call.taken[name].get(""))
                self.sent(member, goes, call)
        elif (sent := call.sent.get(name)) is not None and sent.part == "path":
            place = Place(call.operation, "path", sent.name)
            self.state(place, "required", value=True, at=at)
            self.describe(place, typed, at)
        elif sent is not None and sent.part == "query":
            for member in self.members(typed):
                self.sent(member, sent, call)
        elif sent is not None:
            self.media(call, at)
            self.describe(Place(call.operation, "body"), typed, at, argument=True)

    def members(self, typed: Typed) -> list[SdkMember]:
        (way,) = self.present(typed)
        return list(self.package.members(way).values())

    def sent(self, member: SdkMember, goes: Sent | None, call: SdkCall) -> None:
        """A member of an argument that is taken apart."""
        if goes is None:
            return
        place = Place(call.operation, goes.part).child(goes.name or member.name)
        if goes.part == "body":
            self.media(call, member.where)
            self.state(Place(call.operation, "body"), "type", "object", member.where)
        self.member(place, member, always=goes.part == "path")

    def media(self, call: SdkCall, at: tuple[str, int]) -> None:
        media = "multipart/form-data" if call.multipart else "application/json"
        self.state(Place(call.operation, "body"), "media", media, at)

    def answer(self, promise: Typed, place: Place) -> None:
        """The answer that a promise is of; of a page, the page as it is sent."""
        node = promise.node
        if text(node.child_by_field_name("name")) not in _PROMISES:
            raise DeclarationError(f"the answer {text(node)} is no promise")
        arguments = node.child_by_field_name("type_arguments")
        assert arguments is not None
        answer = promise.at(arguments.named_children[0])
        if text(answer.node) not in _NO_BODY:
            at = (promise.module.file, line(node))
            self.describe(place, answer, at, argument=True)

    # Types

    def present(self, typed: Typed) -> list[Typed]:
        """The alternatives of a type, but null."""
        ways = self.package.alternatives(typed)
        return [way for way in ways if text(way.node) not in _NOTHING]

    def describe(
        self,
        place: Place,
        typed: Typed,
        at: tuple[str, int],
        *,
        argument: bool = False,
        depth: int = 0,
    ) -> None:
        """State what a type says of a place and of all that is in it."""
        if depth > _DEEPEST:
            return
        ways = self.package.alternatives(typed)
        if not (argument and len(ways) == 1) and not _is_any(ways):
            nullable = any(text(way.node) == "null" for way in ways)
            self.state(place, "nullable", nullable, at)
        ways = [way for way in ways if text(way.node) not in _NOTHING]
        literals = [way for way in ways if way.node.type == "literal_type"]
        others = [way for way in ways if way.node.type != "literal_type"]
        if not others:
            self.values(place, literals, at)
        elif len(others) == 1 and (not literals or _opens(others[0])):
            self.one(place, others[0], at, depth)
            self.values(place, literals, at, typed=False)
        else:
            if literals:
                self.values(place.alternative(_kind(literals[0])), literals, at)
            named = alternatives((_kind(way), self.constants(way)) for way in others)
            for name, way in zip(named, others, strict=True):
                self.one(place.alternative(name), way, at, depth)

    def values(
        self, place: Place, literals: Sequence[Typed], at: tuple[str, int], *, typed: bool = True
    ) -> None:
        found: list[Scalar] = [_literal(way.node) for way in literals]
        if typed and found:
            self.state(place, "type", _type_of(found[0]), at)
        if {*map(repr, found)} == {"True", "False"}:
            return
        for value in found:
            self.state(place, "value", value, at)

    def one(self, place: Place, way: Typed, at: tuple[str, int], depth: int) -> None:
        """A type that is no union."""
        node, name = way.node, _name(way.node)
        items, values = _items(node), _values(node)
        if name in _NAMES:
            self.state(place, "type", _NAMES[name], at)
        elif name in _FILES:
            self.state(place, "type", "string", at)
            self.state(place, "format", "binary", at)
        elif items is not None:
            self.state(place, "type", "array", at)
            self.within(place.items(), way.at(items), at, depth)
        elif values is not None:
            self.state(place, "type", "map", at)
            self.within(place.values(), way.at(values), at, depth)
        elif node.type in _OBJECTS:
            self.state(place, "type", "object", at)
            for member in self.package.members(way).values():
                self.member(place.child(member.name), member, depth=depth + 1)
        elif node.type == "generic_type":
            self.one(place, self.package.value(way), at, depth)
        elif name not in {"unknown", "any"}:
            raise DeclarationError(f"{place}: no rule reads the type {name[:60]}")

    def within(self, place: Place, typed: Typed, at: tuple[str, int], depth: int) -> None:
        """What a list or a map holds."""
        if text(typed.node) not in {"unknown", "any"}:
            self.describe(place, typed, at, depth=depth + 1)

    def member(
        self, place: Place, member: SdkMember, *, always: bool = False, depth: int = 0
    ) -> None:
        self.state(place, "required", always or member.required, member.where)
        self.words(_MARKS.sub("", member.words), place, member.where)
        self.describe(place, member.type, member.where, depth=depth)

    def constants(self, way: Typed) -> dict[str, Scalar]:
        """Members that have one value only."""
        if _kind(way) != "object":
            return {}
        found: dict[str, Scalar] = {}
        for member in self.package.members(way).values():
            ways = self.present(member.type)
            if len(ways) == 1 and ways[0].node.type == "literal_type":
                found[member.name] = _literal(ways[0].node)
        return found

    # Facts

    def state(self, place: Place, aspect: str, value: Scalar, at: tuple[str, int]) -> None:
        file, number = at
        self.facts.append(PageFact(place, aspect, value, number, file))

    def words(self, words: str, place: Place, at: tuple[str, int]) -> None:
        """What a comment states, paragraph by paragraph, and digests of its words."""
        file, number = at
        described = re.split(r"^@", words, maxsplit=1, flags=re.MULTILINE)[0]
        for paragraph in re.split(r"\n\s*\n", described.strip()):
            if paragraph:
                sentence = " ".join(paragraph.split())
                for fact in facts_of_sentence(sentence, place, number):
                    self.facts.append(PageFact(fact.place, fact.aspect, fact.value, number, file))


def _literal(node: Node) -> Scalar:
    (value,) = node.named_children
    if value.type == "string":
        return str(json.loads(f'"{text(value)[1:-1]}"'))
    if value.type in {"true", "false"}:
        return value.type == "true"
    number: int | float = json.loads(text(value))
    return number


def _type_of(value: Scalar) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"


def _kind(way: Typed) -> str:
    """What an alternative is, in a word."""
    node = way.node
    if node.type == "literal_type":
        return _type_of(_literal(node))
    if text(node) in _NAMES:
        return _NAMES[text(node)]
    return "object" if _items(node) is None else "array"


def _opens(way: Typed) -> bool:
    """Whether a type takes any text beside the literals: `'a' | 'b' | (string & {})`."""
    return text(way.node) == "string" or way.node.type == "intersection_type"


def _is_any(ways: Sequence[Typed]) -> bool:
    return len(ways) == 1 and text(ways[0].node) in {"unknown", "any"}


def _name(node: Node) -> str:
    return text(node.child_by_field_name("name") if node.type == "generic_type" else node)


def _items(node: Node) -> Node | None:
    """The type of the items of `Array<T>` or `T[]`; None for what is no list."""
    arguments = node.child_by_field_name("type_arguments")
    if node.type == "generic_type" and _name(node) in _LISTS and arguments is not None:
        return arguments.named_children[0]
    return node.named_children[0] if node.type == "array_type" else None


def _values(node: Node) -> Node | None:
    """The type of the values of `Record<string, T>` or `{ [key: string]: T }`; None for others."""
    arguments = node.child_by_field_name("type_arguments")
    if node.type == "generic_type" and _name(node) == "Record" and arguments is not None:
        return arguments.named_children[1]
    signature = first(node, "index_signature") if node.type == "object_type" else None
    annotation = signature.child_by_field_name("type") if signature is not None else None
    return annotation.named_children[0] if annotation is not None else None
