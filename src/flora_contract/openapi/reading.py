"""Text to plain data: YAML 1.2 (core schema) and JSON, with the place of every node.

libyaml does the scanning, because it is fast; what its nodes mean is decided here, because
libyaml's own rules are those of YAML 1.1, where `no` and `on` are booleans.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from flora_contract.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH = 200
"""Deepest nesting that is read, so that whoever walks a tree may recurse. Real trees need 60."""

MAX_UNFOLDED = 1_000_000
"""Nodes that aliases may add to those that the text spells out."""


@dataclass(frozen=True)
class Location:
    """A place in a file. Line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class SourceNode:
    """Where a node and the nodes in it stand. The children are looked up when asked for."""

    __slots__ = ("_children", "_origin", "location")

    def __init__(
        self, location: Location, origin: tuple[SourceText, yaml.Node] | SourceNode | None = None
    ) -> None:
        self.location = location
        self._origin = origin
        self._children: dict[str, SourceNode] | list[SourceNode] | None = None

    @property
    def children(self) -> dict[str, SourceNode] | list[SourceNode]:
        """The places of a mapping's values or of a sequence's items; empty for a scalar."""
        if self._children is None:
            self._children = self._look_up()
        return self._children

    def child(self, part: str | int) -> SourceNode | None:
        """The place of one child, or None if there is no such child."""
        children = self.children
        if isinstance(children, dict):
            return children.get(str(part))
        index = int(part) if str(part).isdigit() else -1
        return children[index] if 0 <= index < len(children) else None

    def copy(self) -> SourceNode:
        """A place whose children can be changed without changing this one's."""
        return SourceNode(self.location, self)

    def _look_up(self) -> dict[str, SourceNode] | list[SourceNode]:
        if self._origin is None:
            return {}
        if isinstance(self._origin, SourceNode):
            children = self._origin.children
            if isinstance(children, list):
                return [child.copy() for child in children]
            return {name: child.copy() for name, child in children.items()}
        text, node = self._origin
        if isinstance(node, yaml.MappingNode):
            return {
                name: SourceNode(text.location(key), (text, value))
                for name, (key, value) in text.pairs(node).items()
            }
        if isinstance(node, yaml.SequenceNode):
            return [SourceNode(text.location(item), (text, item)) for item in node.value]
        return {}


def read(text: str, file: str) -> tuple[Any, SourceText]:
    """The data that a text stands for, and the text's places. Raises InputError with the line."""
    source = SourceText(text.removeprefix("\ufeff"), file)
    if source.is_json:
        try:
            tree = json.loads(
                source.text, object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite
            )
        except json.JSONDecodeError as error:
            if file.endswith(".json"):
                raise InputError.at(file, error.lineno, f"not valid JSON: {error.msg}") from None
        except RecursionError:
            raise InputError(f"{file}: {_TOO_DEEP}") from None
        except ValueError:
            pass  # a duplicate key or the like: reading it as YAML tells the line
        else:
            _check_depth(tree, file)
            _check_surrogates(tree, source)
            return tree, source
        source.is_json = False
    root = source.compose()
    if root is None:
        raise InputError(f"{file}: is empty; write a document there, or name another file")
    return source.build(root), source


class SourceText:
    """A text and the nodes that libyaml sees in it."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.is_json = text.lstrip()[:1] in {"{", "["}
        self._pairs: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = {}
        self._open: set[int] = set()
        self._budget = len(text) + MAX_UNFOLDED  # a node takes at least one character
        self._root: yaml.Node | None = None

    def compose(self) -> yaml.Node | None:
        """The root node, or None if the text holds nothing."""
        if self._root is None:
            try:
                self._root = yaml.compose(self.text, Loader=_Loader)
            except yaml.reader.ReaderError as error:
                line = self.text.count("\n", 0, error.position) + 1
                raise InputError.at(self.file, line, f"not text: {error.reason}") from None
            except yaml.MarkedYAMLError as error:
                mark = error.problem_mark or error.context_mark
                at = mark.line + 1 if mark is not None else None
                raise InputError.at(self.file, at, self._fault(error)) from None
        return self._root

    def place(self) -> SourceNode:
        """Where the root stands."""
        nowhere = Location(self.file, 1, 1)
        if self.is_json:
            # A position is not worth failing for: JSON that libyaml cannot scan has none. Each
            # stand-in is another one, so that keys stay apart.
            private_use = itertools.cycle(map(chr, range(0xE000, 0xF900)))
            self.text = _NOT_YAML.sub(lambda at: next(private_use) * len(at[0]), self.text)
            try:
                root = self.compose()
            except InputError:
                return SourceNode(nowhere)
        else:
            root = self.compose()
        return SourceNode(nowhere, (self, root) if root is not None else None)

    def location(self, node: yaml.Node) -> Location:
        """Where a node starts."""
        return Location(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def build(self, node: yaml.Node, depth: int = 1) -> Any:
        """Plain data with string keys. An alias becomes a copy of what it names."""
        self._budget -= 1
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            raise self._error(node, "an alias here leads into itself; write the value out")
        if self._budget < 0:
            raise self._error(node, f"aliases unfold to more than {MAX_UNFOLDED:,} nodes")
        if depth > MAX_DEPTH:
            raise self._error(node, _TOO_DEEP)
        self._open.add(id(node))
        built: Any
        if isinstance(node, yaml.MappingNode):
            _known(self, node, "map")
            built = {
                name: self.build(value, depth + 1) for name, (_, value) in self.pairs(node).items()
            }
        else:
            _known(self, node, "seq")
            built = [self.build(item, depth + 1) for item in node.value]
        self._open.discard(id(node))
        return built

    def pairs(self, node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Key and value nodes of a mapping by name, the merge key `<<` carried out."""
        known = self._pairs.get(id(node))
        if known is not None:
            return known
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merges: list[tuple[yaml.Node, yaml.Node]] = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._error(key, "a key must be a string, not a list or a mapping")
            if key.value == "<<" and key.tag == _PLAIN:
                merges.append((key, value))
            elif key.value in own:
                raise self._error(key, f"key {key.value!r} stands twice; remove one")
            else:
                own[key.value] = (key, value)
        if merges:
            own = self._merged(node, merges) | own
        self._pairs[id(node)] = own
        return own

    def _merged(
        self, node: yaml.Node, merges: Iterable[tuple[yaml.Node, yaml.Node]]
    ) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """What `<<` brings in; of several mappings the earlier wins."""
        merging = -id(node)  # `build` has this node open already
        if merging in self._open:
            raise self._error(node, "an alias here leads into itself; write the value out")
        self._open.add(merging)
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in merges:
            for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if not isinstance(part, yaml.MappingNode):
                    raise self._error(key, "`<<` merges mappings only")
                found = self.pairs(part) | found
        self._open.discard(merging)
        return found

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text: str = node.value
        if node.tag == _PLAIN:
            return text if text[:1] not in _NOT_STRING else self._plain(node, text)
        if node.tag in {_TAG + "str", "!"}:
            return text
        _known(self, node, "null", "bool", "int", "float")
        value = self._plain(node, text)
        kind = node.tag.removeprefix(_TAG)
        if kind == "float" and type(value) is int:
            return float(value)
        if type(value) is not _KINDS[kind]:
            raise self._error(node, f"{text!r} is not of type {kind}; correct the tag")
        return value

    def _plain(self, node: yaml.ScalarNode, text: str) -> Any:
        """A plain scalar by the core schema of YAML 1.2, section 10.3.2."""
        if text in _WORDS:
            return _WORDS[text]
        if not _NUMBER.match(text):
            return text
        try:
            if text[:2] in {"0x", "0o"}:
                return int(text, 0)
            if text.lstrip("+-").isdigit():
                return int(text)
        except ValueError:
            raise self._error(node, f"a number of {len(text)} digits; quote it") from None
        try:
            return _finite(text)
        except ValueError:  # too large, or `.inf` and `.nan`
            raise self._error(node, f"{text} has no counterpart in JSON; quote it") from None

    def _fault(self, error: yaml.MarkedYAMLError) -> str:
        problem = error.problem or error.context or "cannot be read"
        if problem == _TOO_DEEP:
            return problem
        mark = error.problem_mark
        if mark is not None and self.text[mark.index : mark.index + 1] == "\t":
            problem = "a tab indents this line; use spaces"
        return f"not valid YAML: {problem}"

    def _error(self, node: yaml.Node, problem: str) -> InputError:
        return InputError.at(self.file, node.start_mark.line + 1, problem)


_TAG = "tag:yaml.org,2002:"
_PLAIN = ""  # tag of a scalar whose type its text decides
_KINDS = {"null": type(None), "bool": bool, "int": int, "float": float}
_NOT_STRING = frozenset(["", *"-+.0123456789nNtTfF~"])
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
}
_NUMBER = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)
# What JSON allows in a string and libyaml does not: surrogates, escaped or not, and controls.
_NOT_YAML = re.compile(
    r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}|[\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]"
)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


class _Loader(yaml.CSafeLoader):
    """libyaml's composer, its own typing of scalars switched off and its depth bounded."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:  # noqa: ARG002
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TAG + "str"
        return _TAG + ("map" if kind is yaml.MappingNode else "seq")

    # libyaml composes by recursion in C, which no Python limit stops.
    def descend_resolver(self, current_node: yaml.Node | None, current_index: Any) -> None:  # noqa: ARG002
        self._depth += 1
        if self._depth > MAX_DEPTH + 1:
            mark = current_node.start_mark if current_node is not None else None
            raise yaml.composer.ComposerError(None, None, _TOO_DEEP, mark)

    def ascend_resolver(self) -> None:
        self._depth -= 1


def _known(text: SourceText, node: yaml.Node, *kinds: str) -> None:
    if node.tag not in {_TAG + kind for kind in kinds}:
        raise InputError.at(
            text.file, node.start_mark.line + 1, f"tag {node.tag} has no meaning here; remove it"
        )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a key stands twice")
    return mapping


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _check_surrogates(tree: Any, source: SourceText) -> None:
    """JSON can spell half a character; no text file can hold it."""
    if not _SURROGATE.search(source.text):
        return
    try:
        json.dumps(tree, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        raise InputError(f"{source.file}: the escape \\u{ord(half):x} stands alone") from None


def _check_depth(tree: Any, file: str) -> None:
    level = [tree]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise InputError(f"{file}: {_TOO_DEEP}")
