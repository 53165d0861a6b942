"""Type hints for what the generator has read: one form for answers, one for arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openapi_python_client.parser.properties import AnyProperty, EnumProperty, ModelProperty
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.union import UnionProperty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from openapi_python_client.parser.properties.protocol import PropertyProtocol


class Hints:
    """Writes type hints. `models` are the generator's final readings, by class name: what it
    attaches to a property may have been taken before the class was read."""

    def __init__(self, models: Mapping[str, ModelProperty]) -> None:
        self._models = models

    def members(self, prop: ModelProperty) -> list[PropertyProtocol]:
        """The named members of an object; none of a class that could not be read."""
        whole = self._models.get(str(prop.class_info.name))
        if whole is None:
            return []
        return [*(whole.required_properties or []), *(whole.optional_properties or [])]

    def is_free_form(self, prop: PropertyProtocol) -> bool:
        """Whether a property is an object without named members."""
        return isinstance(prop, ModelProperty) and not self.members(prop)

    def answer(self, prop: PropertyProtocol, *, decimal: bool = False) -> str:
        """The type of a property in an answer: immutable, enums open, dates as they came."""
        if isinstance(prop, UnionProperty):
            return _union(self.answer(inner, decimal=decimal) for inner in prop.inner_properties)
        if isinstance(prop, ListProperty):
            return f"tuple[{self.answer(prop.inner_property, decimal=decimal)}, ...]"
        if isinstance(prop, ModelProperty) and self.is_free_form(prop):
            return f"dict[str, {self._values(prop, self.answer)}]"
        if isinstance(prop, FloatProperty) and decimal:
            return "Decimal"
        return _common(prop)

    def argument(self, prop: PropertyProtocol, *, files: bool = False) -> str:
        """The type of an argument: plain strings beside enums, mappings beside models; with
        `files` what is binary is a file, and not a string of JSON."""
        if isinstance(prop, UnionProperty):
            return _union(self.argument(inner, files=files) for inner in prop.inner_properties)
        if isinstance(prop, ListProperty):
            return f"Sequence[{self.argument(prop.inner_property, files=files)}]"
        if isinstance(prop, FileProperty) and files:
            return "FileArgument"
        if isinstance(prop, ModelProperty):
            if self.is_free_form(prop):
                return f"Mapping[str, {self._values(prop, self.argument)}]"
            return f"{prop.class_info.name} | Mapping[str, Any]"
        if isinstance(prop, EnumProperty):
            literals = ", ".join(repr(value) for value in prop.values.values())
            return f"{prop.class_info.name} | Literal[{literals}]"
        return _common(prop)

    def classes(self, prop: PropertyProtocol) -> Iterator[ModelProperty | EnumProperty]:
        """The classes that a property names, not those that these name in turn."""
        if isinstance(prop, UnionProperty):
            for inner in prop.inner_properties:
                yield from self.classes(inner)
        elif isinstance(prop, ListProperty):
            yield from self.classes(prop.inner_property)
        elif isinstance(prop, ModelProperty) and self.is_free_form(prop):
            if prop.additional_properties is not None:
                yield from self.classes(prop.additional_properties)
        elif isinstance(prop, ModelProperty | EnumProperty):
            yield prop

    def _values(self, prop: ModelProperty, hint: Callable[[PropertyProtocol], str]) -> str:
        whole = self._models.get(str(prop.class_info.name), prop)
        inner = whole.additional_properties
        return hint(inner) if inner is not None else "Any"


def is_nullable(prop: PropertyProtocol) -> bool:
    """Whether null is a value of the property."""
    if isinstance(prop, UnionProperty):
        return any(is_nullable(inner) for inner in prop.inner_properties)
    return isinstance(prop, NoneProperty | AnyProperty)


def _union(hints: Iterable[str]) -> str:
    options = [option for hint in hints for option in _options(hint)]
    unique = list(dict.fromkeys(options))
    if "Any" in unique:
        return "Any"
    return " | ".join([*(o for o in unique if o != "None"), *(o for o in unique if o == "None")])


def _options(hint: str) -> list[str]:
    """The members of a union, where it is one at its outermost."""
    options, depth, start = [], 0, 0
    for index, character in enumerate(hint):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if depth == 0 and hint.startswith(" | ", index):
            options.append(hint[start:index])
            start = index + 3
    return [*options, hint[start:]]


def _common(prop: PropertyProtocol) -> str:
    if isinstance(prop, ModelProperty | EnumProperty):
        return str(prop.class_info.name)
    if isinstance(prop, ConstProperty):
        return f"Literal[{prop.value.raw_value!r}]"
    simple = {
        NoneProperty: "None",
        BooleanProperty: "bool",
        IntProperty: "int",
        FloatProperty: "float",
        AnyProperty: "Any",
    }
    # Dates, UUIDs and files are strings in JSON, and stay what they came as.
    return simple.get(type(prop), "str")
