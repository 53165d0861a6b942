"""Write a document back: edits made in its own YAML text, with comments, order and style kept."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import yaml as libyaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import CommentMark
from ruamel.yaml.mergevalue import merge_attrib
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import (
    DoubleQuotedScalarString,
    FoldedScalarString,
    LiteralScalarString,
    PlainScalarString,
    ScalarString,
    SingleQuotedScalarString,
)
from ruamel.yaml.tokens import CommentToken

if TYPE_CHECKING:
    from flora_contract.openapi.document import Document, Pointer
    from flora_contract.openapi.overlay import Edit


def written(document: Document, edits: list[Edit], result: Any) -> str:
    """The text of a document after edits that made `result` of it, in the language it came in."""
    if not edits:
        return document.text
    if document.is_json:
        indent = re.match(r"\s*\{\s*?\n( +|\t+)", document.text)
        ascii_only = document.text.isascii()
        return json.dumps(result, indent=indent[1] if indent else 2, ensure_ascii=ascii_only) + "\n"
    return _rewritten(document.text, edits)


def _rewritten(text: str, edits: list[Edit]) -> str:
    yaml = YAML()
    yaml.Constructor, yaml.Representer = _Constructor, _Representer
    yaml.preserve_quotes = yaml.brace_single_entry_mapping_in_flow_sequence = True
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
            items = self._walk(edit.pointer)
            comment = _take_comment(items, len(items) - 1) if items else ""
            items.append(_styled(edit.value))
            _give_comment(items, len(items) - 1, comment)
            return
        parent, key = self._walk(edit.pointer[:-1]), edit.pointer[-1]
        if edit.kind == "delete":
            self._delete(edit.pointer, parent, key)
            return
        there = isinstance(parent, CommentedSeq) or key in parent
        last = key if there else next(reversed(parent), None)
        comment = _take_comment(parent, last) if last is not None else ""
        value = _styled(edit.value)
        if there and isinstance(parent[key], _BLOCK_SCALARS) and type(value) is str:
            value = PlainScalarString(value)  # or ruamel.yaml would keep the block
        parent[key] = value
        _give_comment(parent, key, comment)

    def _delete(self, pointer: Pointer, parent: Any, key: Any) -> None:
        """Delete a node, but not the comment after it: that is about what comes next."""
        comment = _take_comment(parent, key)
        keys = list(parent) if isinstance(parent, CommentedMap) else list(range(len(parent)))
        before = keys[: keys.index(key)]
        del parent[key]
        if before:
            _give_comment(parent, before[-1], comment)
        elif not parent and len(pointer) > 1:
            parent.fa.set_flow_style()  # `{}` is the only way to write it
            _give_comment(self._walk(pointer[:-2]), pointer[-2], comment)

    def _enter(self, node: Any) -> None:
        self._parents[id(node)] += 1
        if self._parents[id(node)] > 1:
            return
        if isinstance(node, CommentedMap):
            _unmerge(node)
        for child in _children(node):
            self._enter(child)

    def _walk(self, pointer: Pointer) -> Any:
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
    """A copy that shares nothing with its original, without its anchors and comments."""
    fresh: CommentedMap | CommentedSeq
    if isinstance(node, CommentedMap):
        fresh = CommentedMap((key, _detached(value)) for key, value in node.items())
    elif isinstance(node, CommentedSeq):
        fresh = CommentedSeq(_detached(item) for item in node)
    else:
        return type(node)(node) if isinstance(node, ScalarString) else node
    if node.fa.flow_style():
        fresh.fa.set_flow_style()
    return fresh


def _take_comment(parent: Any, key: Any) -> str:
    """Cut off the lines of comment after a node; a comment on its own line of text stays."""
    parent, key = _last_leaf(parent, key)
    slots = parent.ca.items.get(key)
    token = slots[_slot(parent)] if slots else None
    if token is None:
        return ""
    own, _, after = token.value.partition("\n")
    if own and isinstance(parent[key], _BLOCK_SCALARS):  # whose last line it does not share
        own, after = "", " " * token.start_mark.column + token.value
    slots[_slot(parent)] = CommentToken(own + "\n", token.start_mark, None) if own else None
    return str(after)


def _give_comment(parent: Any, key: Any, comment: str) -> None:
    """Put lines of comment after a node."""
    if not comment:
        return
    parent, key = _last_leaf(parent, key)
    slots = parent.ca.items.setdefault(key, [None, None, None, None])
    token = slots[_slot(parent)]
    if token is not None:
        token.value += comment
    elif isinstance(parent[key], _BLOCK_SCALARS):
        line = comment.lstrip(" ")
        slots[_slot(parent)] = CommentToken(line, CommentMark(len(comment) - len(line)), None)
    else:
        slots[_slot(parent)] = CommentToken("\n" + comment, CommentMark(0), None)


def _last_leaf(parent: Any, key: Any) -> tuple[Any, Any]:
    """The last scalar of a node, by its parent and key: what ruamel.yaml hangs a comment on."""
    value = parent[key]
    while isinstance(value, (CommentedMap, CommentedSeq)) and value and not value.fa.flow_style():
        parent = value
        key = next(reversed(value)) if isinstance(value, CommentedMap) else len(value) - 1
        value = parent[key]
    return parent, key


def _slot(parent: Any) -> int:
    return 2 if isinstance(parent, CommentedMap) else 0


def _styled(value: Any) -> Any:
    """A new value as it is written: texts of several lines as blocks, YAML 1.1's words quoted."""
    if isinstance(value, dict):
        return CommentedMap({_styled(key): _styled(part) for key, part in value.items()})
    if isinstance(value, list):
        styled = CommentedSeq(_styled(item) for item in value)
        if isinstance(value, CommentedSeq) and value.fa.flow_style():
            styled.fa.set_flow_style()
        return styled
    if not isinstance(value, str):
        return value
    if _NEEDS_ESCAPES.search(value):
        return DoubleQuotedScalarString(value)
    if "\n" in value.rstrip("\n") and not re.search(r" \n|\A\s", value):
        return LiteralScalarString(value)
    if _MISREAD.fullmatch(value):
        return SingleQuotedScalarString(value)
    return value


_BLOCK_SCALARS = (LiteralScalarString, FoldedScalarString)
_NEEDS_ESCAPES = re.compile(
    r"[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
# Booleans, numbers in octal or base 60, dates: many tools still read YAML 1.1. And what looks
# like a list item or a key inside brackets.
_MISREAD = re.compile(
    r"(?i:y|n|yes|no|on|off|true|false|null|~|<<|=)|[-+]?[0-9][0-9_]*(:[0-9.]+)*"
    r"|\d{4}-\d\d?-\d\d?.*|[-?:]( .*)?"
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
    offset = found.get(libyaml.SequenceNode, 2)
    return {
        "mapping": found.get(libyaml.MappingNode, 2),
        "sequence": offset + 2,
        "offset": offset,
    }


_BLOCKS = (libyaml.MappingNode, libyaml.SequenceNode)
