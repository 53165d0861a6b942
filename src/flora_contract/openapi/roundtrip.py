"""Write a document back: edits made in its own YAML text, with comments, order and style kept."""

from __future__ import annotations

import copy
import io
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import yaml as libyaml
from ruamel.yaml import YAML
from ruamel.yaml.anchor import Anchor
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.mergevalue import merge_attrib
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import LiteralScalarString, SingleQuotedScalarString

if TYPE_CHECKING:
    from flora_contract.openapi.document import Document
    from flora_contract.openapi.overlay import Edit


def written(document: Document, edits: list[Edit], result: Any) -> str:
    """The text of a document after edits that made `result` of it, in the language it came in."""
    if document.is_json:
        indent = re.match(r"\s*\{\s*?\n( +|\t+)", document.text)
        ascii_only = document.text.isascii()
        return json.dumps(result, indent=indent[1] if indent else 2, ensure_ascii=ascii_only) + "\n"
    return _rewritten(document.text, edits)


def _rewritten(text: str, edits: list[Edit]) -> str:
    yaml = YAML()
    yaml.Constructor, yaml.Representer = _Constructor, _Representer
    yaml.preserve_quotes = True
    yaml.width = 2**20  # lines are never folded anew
    yaml.explicit_start = re.search(r"^---(\s|$)", text, re.MULTILINE) is not None
    yaml.indent(**_indentation(text))
    tree = yaml.load(text)
    owned = _Owned(tree)
    for edit in edits:
        owned.make(edit)
    out = io.StringIO()
    yaml.dump(tree, out)
    return out.getvalue()


class _Verbatim(str):
    """A plain scalar that is no string, such as `200`, `1.0` or `~`: kept as it is written."""

    __slots__ = ("tag",)
    tag: str


class _Constructor(RoundTripConstructor):
    """Keeps numbers, dates and the like as text, so that `200:` is found as `'200'`."""

    def construct_verbatim(self, node: Any) -> _Verbatim:
        scalar = _Verbatim(node.value)
        scalar.tag = str(node.tag)
        return scalar


class _Representer(RoundTripRepresenter):
    """Writes kept scalars as they were, and null as `null`."""

    def represent_verbatim(self, data: _Verbatim) -> Any:
        return self.represent_scalar(data.tag, str(data))

    def represent_explicit_none(self, data: None) -> Any:  # noqa: ARG002
        return self.represent_scalar("tag:yaml.org,2002:null", "null")


for _name in ("int", "float", "bool", "null", "timestamp"):
    _Constructor.add_constructor(f"tag:yaml.org,2002:{_name}", _Constructor.construct_verbatim)
_Representer.add_representer(_Verbatim, _Representer.represent_verbatim)
_Representer.add_representer(type(None), _Representer.represent_explicit_none)


class _Owned:
    """A round-trip tree in which an alias turns into a copy before anything in it is edited.

    Merge keys (`<<`) are carried out at once: there is no telling which of them an edit meets.
    """

    def __init__(self, tree: Any) -> None:
        self.tree = tree
        self._parents = Counter[int]()
        self._enter(tree)

    def make(self, edit: Edit) -> None:
        """Make one edit."""
        if edit.kind == "append":
            self._walk(edit.pointer).append(_styled(edit.value))
            return
        parent, key = self._walk(edit.pointer[:-1]), edit.pointer[-1]
        if edit.kind == "delete":
            del parent[key]
        else:
            parent[key] = _styled(edit.value)

    def _enter(self, node: Any) -> None:
        self._parents[id(node)] += 1
        if self._parents[id(node)] > 1:
            return
        if isinstance(node, CommentedMap):
            _unmerge(node)
        for child in _children(node):
            self._enter(child)

    def _walk(self, pointer: tuple[str | int, ...]) -> Any:
        node = self.tree
        for part in pointer:
            child = node[part]
            if self._parents[id(child)] > 1:
                self._parents[id(child)] -= 1
                child = _detached(child)
                node[part] = child
            node = child
        return node


def _children(node: Any) -> list[Any]:
    children = node.values() if isinstance(node, CommentedMap) else node
    return [child for child in children if isinstance(child, (CommentedMap, CommentedSeq))]


def _unmerge(node: CommentedMap) -> None:
    """Make what a mapping merges by `<<` its own, in place."""
    inherited = [key for key in node if not node._unmerged_contains(key)]  # noqa: SLF001
    if hasattr(node, merge_attrib):
        delattr(node, merge_attrib)
    node._ref.clear()  # noqa: SLF001  (who merges this mapping: it would be told of every edit)
    for key in inherited:
        node[key] = _detached(node[key])


def _detached(node: Any) -> Any:
    """A copy that shares nothing with its original, nor its anchors."""
    node = copy.deepcopy(node)
    if hasattr(node, Anchor.attrib):
        delattr(node, Anchor.attrib)
    if isinstance(node, CommentedMap):
        for key in node:
            node[key] = _detached(node[key])
    elif isinstance(node, CommentedSeq):
        for index, item in enumerate(node):
            node[index] = _detached(item)
    return node


def _styled(value: Any) -> Any:
    """A new value as it is written: texts of several lines as blocks, YAML 1.1's words quoted."""
    if isinstance(value, dict):
        return CommentedMap({_styled(key): _styled(part) for key, part in value.items()})
    if isinstance(value, list):
        return CommentedSeq(_styled(item) for item in value)
    if isinstance(value, str) and "\n" in value.rstrip("\n") and not _NOT_IN_BLOCK.search(value):
        return LiteralScalarString(value)
    if isinstance(value, str) and _OTHER_TYPE_IN_1_1.fullmatch(value):
        return SingleQuotedScalarString(value)
    return value


_NOT_IN_BLOCK = re.compile(r"[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]| \n|\A\s")
# Booleans, numbers in octal or base 60, and dates: many tools still read YAML 1.1.
_OTHER_TYPE_IN_1_1 = re.compile(
    r"(?i:y|n|yes|no|on|off|true|false|null|~)|[-+]?[0-9][0-9_]*(:[0-9.]+)*|\d{4}-\d\d?-\d\d?.*"
)


def _indentation(text: str) -> dict[str, int]:
    """How far a text indents mappings, and list items in them: as the first of each does."""
    found: dict[type, int] = {}
    level = [libyaml.compose(text, Loader=libyaml.CSafeLoader)]
    while level and len(found) < len(_BLOCKS):
        inner = []
        for node in level:
            if not isinstance(node, _BLOCKS) or node.flow_style:
                continue
            for part in node.value:
                child = part[1] if isinstance(part, tuple) else part
                inner.append(child)
                if isinstance(part, tuple) and isinstance(child, _BLOCKS) and not child.flow_style:
                    indent = child.start_mark.column - node.start_mark.column
                    found.setdefault(type(child), indent)
        level = inner
    offset = found.get(libyaml.SequenceNode, 0)
    return {
        "mapping": found.get(libyaml.MappingNode, 2),
        "sequence": offset + 2,
        "offset": offset,
    }


_BLOCKS = (libyaml.MappingNode, libyaml.SequenceNode)
