"""TypeScript as tree-sitter parses it: the types of a package's files, and what a name means.

A name is looked up where it is used: among the type arguments, in the namespaces around, in its
file, and where the file imports it from.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

import tree_sitter
import tree_sitter_typescript

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

DECLARATIONS: Final = ".d.ts"
_NAMED: Final = {"interface_declaration", "type_alias_declaration", "class_declaration"}
_DECLARES: Final = {"export_statement", "ambient_declaration"}


class DeclarationError(ValueError):
    """Something that no rule reads; the message says what."""


@cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_typescript.language_typescript()))


def parse(source: bytes) -> Node:
    """The tree of a file in TypeScript or JavaScript."""
    return _parser().parse(source).root_node


def text(node: Node | None) -> str:
    """The source of a node; empty for none."""
    return node.text.decode() if node is not None and node.text is not None else ""


def line(node: Node) -> int:
    """The line that a node begins on, from 1."""
    return node.start_point[0] + 1


def inside(node: Node, *kinds: str) -> Iterator[Node]:
    """The nodes of some kinds in a node, outermost first."""
    for child in node.named_children:
        if child.type in kinds:
            yield child
        yield from inside(child, *kinds)


def first(node: Node, *kinds: str) -> Node | None:
    """The first node of some kinds in a node."""
    return next(inside(node, *kinds), None)


@dataclass(frozen=True)
class Module:
    """A file of declarations: its types by qualified name, and what it imports."""

    file: str
    root: Node
    types: dict[str, Node] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Typed:
    """A type where it stands: what the names in it mean depends on that."""

    node: Node
    module: Module
    scope: tuple[str, ...] = ()
    arguments: Mapping[str, Typed] = field(default_factory=dict)

    def at(self, node: Node) -> Typed:
        """A type that is part of this one."""
        return Typed(node, self.module, self.scope, self.arguments)


@dataclass(frozen=True)
class SdkMember:
    """A member of an object type, and the words above it."""

    name: str
    type: Typed
    required: bool
    words: str

    @property
    def where(self) -> tuple[str, int]:
        return self.type.module.file, line(self.type.node)


class Package:
    """The declarations of a package, by the path of the file they are in."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.modules = {
            name: _module(name, parse(source))
            for name, source in sorted(files.items())
            if name.endswith(DECLARATIONS)
        }

    def resolve(self, use: Typed, name: str) -> Typed:
        """The definition that a name means where it is used. Raises DeclarationError."""
        if name in use.arguments:
            return use.arguments[name]
        for depth in range(len(use.scope), -1, -1):
            qualified = ".".join((*use.scope[:depth], name))
            if qualified in use.module.types:
                return _definition(use.module, qualified)
        return self._imported(use.module, name)

    def _imported(self, module: Module, name: str) -> Typed:
        head, _, rest = name.partition(".")
        file, exported = module.imports.get(head, ("", ""))
        qualified = ".".join(word for word in (exported, rest) if word)
        if file not in self.modules or not qualified:
            raise DeclarationError(f"no file here declares {name}")
        target = self.modules[file]
        if qualified in target.types:
            return _definition(target, qualified)
        if qualified in target.imports:
            return self._imported(target, qualified)
        raise DeclarationError(f"{file} declares no {qualified}")

    def members(self, definition: Typed) -> dict[str, SdkMember]:
        """The members of an interface, class or literal type, those of what it extends first."""
        node = definition.node
        found: dict[str, SdkMember] = {}
        for base in _bases(node):
            found |= self.members(self.referred(definition.at(base)))
        body = node.child_by_field_name("body") or node
        for child in body.named_children:
            name, annotation = child.child_by_field_name("name"), child.child_by_field_name("type")
            if child.type not in {"property_signature", "public_field_definition"}:
                continue
            if name is None or annotation is None or first(child, "accessibility_modifier"):
                continue
            required = not any(sign.type == "?" for sign in child.children)
            typed = definition.at(annotation.named_children[0])
            found[text(name).strip("'\"")] = SdkMember(
                text(name).strip("'\""), typed, required, comment(child)
            )
        return found

    def referred(self, use: Typed) -> Typed:
        """What a type refers to by name, its arguments in place; any other type as it is."""
        node = use.node
        if node.type == "generic_type":
            name = text(node.child_by_field_name("name"))
            given = node.child_by_field_name("type_arguments")
            target = self.resolve(use, name)
            parameters = first(target.node, "type_parameters")
            names = [text(first(p, "type_identifier")) for p in _children(parameters)]
            bound = dict(zip(names, map(use.at, _children(given)), strict=False))
            return Typed(target.node, target.module, target.scope, bound)
        if node.type in {"type_identifier", "nested_type_identifier", "identifier"}:
            return self.resolve(use, text(node))
        return use

    def value(self, use: Typed) -> Typed:
        """A type as it is written out: names and aliases followed to an object or a plain type."""
        for _ in range(20):
            target = self.referred(use)
            if target.node.type == "type_alias_declaration":
                alias = target.node.child_by_field_name("value")
                assert alias is not None
                target = target.at(alias)
            if target is use or target.node == use.node:
                return use
            use = target
        raise DeclarationError(f"the type {text(use.node)} leads in a circle")

    def alternatives(self, use: Typed) -> list[Typed]:
        """The types that a union is one of, written out; a type that is none is the only one."""
        use = use if use.node.type == "generic_type" else self.value(use)
        if use.node.type == "parenthesized_type":
            return self.alternatives(use.at(use.node.named_children[0]))
        if use.node.type != "union_type":
            return [use]
        return [way for part in use.node.named_children for way in self.alternatives(use.at(part))]


def comment(node: Node) -> str:
    """The documentation comment above a node, as its author wrote it, without stars."""
    above = node.prev_named_sibling
    if above is None or above.type != "comment" or not text(above).startswith("/**"):
        return ""
    lines = text(above).removeprefix("/**").removesuffix("*/").split("\n")
    return "\n".join(re.sub(r"^\s*\* ?", "", words).rstrip() for words in lines).strip()


def _module(name: str, root: Node) -> Module:
    module = Module(name, root)
    for statement in root.named_children:
        if statement.type in {"import_statement", "export_statement"}:
            _imports(module, statement)
    _declared(module, root, ())
    return module


def _declared(module: Module, node: Node, scope: tuple[str, ...]) -> None:
    for child in node.named_children:
        name = text(child.child_by_field_name("name"))
        if child.type in _NAMED:
            module.types.setdefault(".".join((*scope, name)), child)
        elif child.type == "internal_module":
            body = child.child_by_field_name("body")
            assert body is not None
            _declared(module, body, (*scope, *name.split(".")))
        elif child.type in _DECLARES or child.type == "expression_statement":
            _declared(module, child, scope)


def _imports(module: Module, statement: Node) -> None:
    """Note the names that `import … from` and `export … from` bring into a file."""
    source = statement.child_by_field_name("source")
    if source is None:
        return
    path = posixpath.join(posixpath.dirname(module.file), text(source).strip("'\""))
    file = re.sub(r"\.m?js\Z", "", posixpath.normpath(path)) + DECLARATIONS
    for star in inside(statement, "namespace_import"):
        module.imports[text(star.named_children[0])] = (file, "")
    for one in inside(statement, "import_specifier", "export_specifier"):
        name = text(one.child_by_field_name("name"))
        module.imports[text(one.child_by_field_name("alias")) or name] = (file, name)


def _definition(module: Module, qualified: str) -> Typed:
    """A definition; the names in it are looked up beside it and in the namespace of its name."""
    return Typed(module.types[qualified], module, tuple(qualified.split(".")))


def _bases(node: Node) -> list[Node]:
    for child in node.named_children:
        if child.type == "extends_type_clause":
            return list(child.named_children)
    return []


def _children(node: Node | None) -> list[Node]:
    return node.named_children if node is not None else []
