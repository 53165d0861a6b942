"""What a change of the contract does to those who use the generated Python client.

A client is generated from either contract, and the public interfaces are compared: methods,
their arguments, models and their attributes. `overlays/behaviour.yaml` and `overlays/client.yaml`
beside a contract are applied to it first, as they are when the client is made; where only one
contract has an overlay, it is applied to both. A statement that a contract has no place for is left
out of its client, and told.
"""

from __future__ import annotations

import contextlib
import re
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import griffe

from flora_contract.codegen import generate
from flora_contract.codegen.bundling import bundled
from flora_contract.diff.operations.paths import parameters_of, renamed_operations, renamed_paths
from flora_contract.diff.rules import rules
from flora_contract.errors import InputError
from flora_contract.openapi import apply, parse
from flora_contract.openapi.tree import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.diff.judging.changes import Change
    from flora_contract.diff.release.comparison import Comparison
    from flora_contract.openapi import Document, Pointer
    from flora_contract.openapi.tree import Tree

OVERLAYS = ("overlays/behaviour.yaml", "overlays/client.yaml")
_PACKAGE = "made_client"
_INNER = {"operations"}  # modules that are no part of the interface
_TWINS = re.compile(r"Async|.*WithRawResponse$")  # the same interface once more


@dataclass(frozen=True)
class Argument:
    """An argument of a method."""

    annotation: str
    required: bool


@dataclass(frozen=True)
class PublicName:
    """A public name: a class, a method of one with its arguments, or an attribute."""

    kind: str  # class, method, attribute
    annotation: str = ""
    arguments: tuple[tuple[str, Argument], ...] = ()


@dataclass(frozen=True)
class Effect:
    """One thing that users of the client notice, and the names it is about."""

    text: str
    names: tuple[str, ...]


Interface = dict[str, PublicName]


def with_effects(comparison: Comparison, base: Tree, revision: Tree) -> Comparison:
    """The comparison, each change with what it does to the client.

    What no single change explains is kept apart. Raises InputError when no client can be
    generated from one of the contracts.
    """
    with tempfile.TemporaryDirectory(prefix="flora-client-") as folder:
        old = interface(_generated(base, revision, Path(folder, "base")))
        new = interface(_generated(revision, base, Path(folder, "revision")))
    caused: dict[int, list[str]] = defaultdict(list)
    unexplained = []
    for effect in effects(old, new):
        index = _cause(effect, comparison.changes)
        if index is None:
            unexplained.append(effect.text)
        else:
            caused[index].append(effect.text)
    changes = tuple(
        replace(change, client=tuple(caused.get(index, ())))
        for index, change in enumerate(comparison.changes)
    )
    return replace(comparison, changes=changes, client=tuple(unexplained))


def _overlay(tree: Tree, other: Tree, name: str) -> Document | None:
    """An overlay of a contract, or that of the other one as it would be for this one."""
    for holder in (tree, other):
        with contextlib.suppress(InputError):
            return _renamed_in(holder.beside(name), tree, other)
    return None


def _renamed_in(overlay: Document, tree: Tree, other: Tree) -> Document:
    """An overlay that calls renamed paths and operations as the contract does."""
    text = overlay.text
    for theirs, mine in renamed_operations(other, tree).items():
        text = re.sub(rf"(?<![\w-]){re.escape(theirs)}(?![\w-])", mine.replace("\\", r"\\"), text)
    for theirs, mine in renamed_paths(other, tree).items():
        for quote in "'\"":
            text = text.replace(f"{quote}{theirs}{quote}", f"{quote}{mine}{quote}")
    return overlay if text == overlay.text else parse(text, overlay.file)


def _generated(tree: Tree, other: Tree, folder: Path) -> Path:
    """The client of a contract, in a folder."""
    document, warnings = bundled(tree.document, partial(_found, tree)), []
    found = [_overlay(tree, other, name) for name in OVERLAYS]
    if overlays := [overlay for overlay in found if overlay is not None]:
        applied = apply(document, overlays)
        document, warnings = applied.document, applied.warnings
        _rename_parameters(document, tree, other)
    for warning in warnings + generate(document, folder / _PACKAGE):
        print(f"flora-contract: {document.file}: {warning}", file=sys.stderr)
    return folder


def _found(tree: Tree, document: Document, reference: str) -> tuple[Document, Pointer]:
    """What a reference names, in whichever file or revision."""
    node = tree.follow(Node({"$ref": reference}, (), document))
    return node.document, node.pointer


def _rename_parameters(document: Document, tree: Tree, other: Tree) -> None:
    """Let the statements call renamed path parameters as the contract does."""
    names: dict[str, str] = {}
    for theirs, mine in renamed_paths(other, tree).items():
        names |= dict(zip(parameters_of(theirs), parameters_of(mine), strict=True))
    for resource in document.tree.get("x-resources", {}).values():
        path = resource.get("path", {})
        resource["path"] = {names.get(name, name): member for name, member in path.items()}


def interface(folder: Path) -> Interface:
    """The public names of the client in a folder, by their dotted names."""
    package = griffe.load(_PACKAGE, search_paths=[folder], allow_inspection=False)
    assert isinstance(package, griffe.Module)
    return dict(_members(package))


def _members(module: griffe.Module) -> Iterator[tuple[str, PublicName]]:
    for name, item in module.members.items():
        if item.is_alias or name.startswith("_"):
            continue
        if isinstance(item, griffe.Module):
            if name not in _INNER:
                yield from _members(item)
        elif isinstance(item, griffe.Class) and not _TWINS.match(name):
            yield name, PublicName("class")
            yield from _of_class(item)


def _of_class(item: griffe.Class) -> Iterator[tuple[str, PublicName]]:
    for name, member in item.members.items():
        if name.startswith("_") and name != "__init__":
            continue
        if isinstance(member, griffe.Function):
            found = tuple(_arguments(member))
            yield f"{item.name}.{name}", PublicName("method", str(member.returns or ""), found)
        elif isinstance(member, griffe.Attribute):
            yield f"{item.name}.{name}", PublicName("attribute", str(member.annotation or ""))


def _arguments(function: griffe.Function) -> Iterator[tuple[str, Argument]]:
    for parameter in function.parameters:
        if parameter.name != "self" and parameter.kind is not griffe.ParameterKind.var_keyword:
            required = parameter.default is None
            yield parameter.name, Argument(str(parameter.annotation or ""), required)


def effects(old: Interface, new: Interface) -> Iterator[Effect]:
    """What users of the old client notice when they get the new one."""
    gone = [name for name in old if name not in new]
    added = [name for name in new if name not in old]
    renamed = dict(_renamed(old, new, gone, added))
    for name in gone:
        holder, _, last = name.rpartition(".")
        if holder in gone and name not in renamed:
            continue  # told with its class
        kind = "model" if old[name].kind == "class" else old[name].kind
        if name in renamed:
            other = renamed[name]
            yield Effect(f"{kind} {name} renamed to {other}", (holder, last, other))
        else:
            yield Effect(f"{kind} {name} removed", (holder, last))
    for name, member in old.items():
        if name in new:
            yield from _changed(name, member, new[name])


def _renamed(
    old: Interface, new: Interface, gone: list[str], added: list[str]
) -> Iterator[tuple[str, str]]:
    """Names that went while the same thing came under another name in the same place."""
    left = list(added)
    for name in gone:
        holder = name.rpartition(".")[0]
        for other in left:
            if other.rpartition(".")[0] != holder or old[name] != new[other]:
                continue
            if old[name].kind == "class" and _inner(old, name) != _inner(new, other):
                continue
            if old[name].kind == "attribute" and not old[name].annotation:
                continue  # values of an enum are all alike
            yield name, other
            left.remove(other)
            break


def _inner(names: Interface, holder: str) -> dict[str, PublicName]:
    return {
        name.removeprefix(f"{holder}."): member
        for name, member in names.items()
        if name.startswith(f"{holder}.")
    }


def _changed(name: str, old: PublicName, new: PublicName) -> Iterator[Effect]:
    holder, _, last = name.rpartition(".")
    if old.annotation != new.annotation:
        word = "returns" if old.kind == "method" else "is"
        text = f"{old.kind} {name} {word} {new.annotation}, and not {old.annotation}"
        yield Effect(text, (holder, last, *_names_in(old.annotation, new.annotation)))
    before, after = dict(old.arguments), dict(new.arguments)
    gone = [one for one in before if one not in after]
    came = [one for one in after if one not in before]
    for argument in gone:
        other = next((one for one in came if after[one] == before[argument]), None)
        if other is not None:
            came.remove(other)
            text = f"{name}() takes {other}, and no longer {argument}"
            yield Effect(text, (holder, argument, other))
        else:
            yield Effect(f"{name}() no longer takes {argument}", (holder, argument))
    for argument in came:
        if after[argument].required:
            yield Effect(f"{name}() must be given {argument}", (holder, argument))
    for argument in before.keys() & after.keys():
        yield from _argument_changed(name, argument, before[argument], after[argument])


def _argument_changed(name: str, argument: str, old: Argument, new: Argument) -> Iterator[Effect]:
    names = (name.rpartition(".")[0], argument)
    if old.required != new.required:
        word = "must now be given" if new.required else "need no longer be given"
        yield Effect(f"{name}() {word} {argument}", names)
    elif old.annotation != new.annotation:
        text = f"{name}() takes {argument} as {new.annotation}, and not as {old.annotation}"
        yield Effect(text, (*names, *_names_in(old.annotation, new.annotation)))


def _names_in(old: str, new: str) -> set[str]:
    """The names in two annotations of one thing."""
    return {*re.findall(r"[\w-]+", old), *re.findall(r"[\w-]+", new)}


def _cause(effect: Effect, changes: tuple[Change, ...]) -> int | None:
    """The change that an effect follows from: the one that speaks of most of its names."""
    names = {_plain(name) for name in effect.names} - _COMMON
    best, found = 0, None
    for index, change in enumerate(changes):
        if rules()[change.id].area in {"documentation", "info"}:
            continue  # words do nothing to a client
        words = _words(change)
        score = sum(2 * (name in words) + _begins(name, words) for name in names)
        if score > best:
            best, found = score, index
    return found


_COMMON = {"", "str", "int", "none", "literal", "any", "list", "mapping", "iterable", "required"}


def _begins(name: str, words: set[str]) -> bool:
    """Whether a name is made from a word: CreateRunRequest from createRun."""
    return any(len(word) > 5 and name.startswith(word) for word in words)


def _words(change: Change) -> set[str]:
    parts = change.pointer.replace("~1", "/").split("/")
    return {_plain(word) for word in (*parts, *re.findall(r"[\w-]+", change.message))} - {""}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
