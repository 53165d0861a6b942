"""A document of many files, or with references into its depths, as one that names components."""

from __future__ import annotations

import copy
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from flora_contract.openapi import Document, walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.openapi import Pointer

    Find = Callable[[Document, str], tuple[Document, Pointer]]

_COMPONENT = re.compile(r"#/components/[^/]+/[^/]+")
_KEPT = {"example", "examples", "default", "enum", "const"}  # what looks like a reference is data


def bundled(document: Document, find: Find = Document.find) -> Document:
    """The same document, each reference the name of one of its components.

    Schemas that stand elsewhere become components; what is no schema is copied to where it is
    referred to. `find` gives the document and place that a reference in a document names.
    """
    references = (node.get("$ref") for _, node in walk(document.tree) if isinstance(node, dict))
    if all(_COMPONENT.fullmatch(one) for one in references if isinstance(one, str)):
        return document
    return Document(
        _Bundle(document, find).tree, document.file, lambda: document.place, text=document.text
    )


class _Bundle:
    def __init__(self, root: Document, find: Find) -> None:
        self.root, self.find = root, find
        self.tree = copy.deepcopy(root.tree)
        components = self.tree.setdefault("components", {})
        self.schemas: dict[str, Any] = components.setdefault("schemas", {})
        self.names: dict[tuple[int, Pointer], str] = {}
        own = {kind: list(group) for kind, group in components.items() if isinstance(group, dict)}
        for key, value in self.tree.items():
            if key != "components":
                self.tree[key] = self._copied(value, root, key == "schema", ())
        for kind, names in own.items():
            for name in names:
                found = self._copied(components[kind][name], root, kind == "schemas", ())
                components[kind][name] = found

    def _copied(
        self, node: Any, document: Document, is_schema: bool, within: tuple[int, ...]
    ) -> Any:
        """A node with its references rewritten. `within`: what it is copied into, and it again."""
        if isinstance(node, list):
            return [self._copied(one, document, is_schema, within) for one in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if isinstance(reference, str):
            return self._referred(node, reference, document, is_schema, within)
        return {
            key: value
            if key in _KEPT and is_schema
            else self._copied(value, document, is_schema or key in {"schema", "schemas"}, within)
            for key, value in node.items()
        }

    def _referred(
        self,
        node: dict[str, Any],
        reference: str,
        document: Document,
        is_schema: bool,
        within: tuple[int, ...],
    ) -> Any:
        found, pointer = self.find(document, reference)
        if found is self.root and len(pointer) == 3 and pointer[0] == "components":
            return {**node, "$ref": "#/" + "/".join(map(_escaped, pointer))}
        if is_schema:
            return {**node, "$ref": f"#/components/schemas/{self._named(found, pointer)}"}
        target = found.at(pointer)
        if id(target) in within:
            return {}
        return self._copied(target, found, False, (*within, id(target)))

    def _named(self, document: Document, pointer: Pointer) -> str:
        """The component that a schema of another place has become."""
        key = id(document), pointer
        if key not in self.names:
            stem = PurePosixPath(document.file).name.partition(".")[0]
            wanted = re.sub(r"\W+", "_", str(pointer[-1] if pointer else stem))
            name, taken = wanted, {one.lower() for one in self.schemas}
            for number in range(2, len(taken) + 3):
                if name.lower() not in taken:
                    break
                name = f"{wanted}{number}"
            self.names[key] = name
            self.schemas[name] = {}  # taken, while what it holds may lead back to it
            self.schemas[name] = self._copied(document.at(pointer), document, True, ())
        return self.names[key]


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
