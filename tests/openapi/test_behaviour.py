"""Statements of behaviour: each name in them is checked, and a slip is told with its line."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from flora_contract import shipped
from flora_contract.errors import InputError
from flora_contract.openapi import apply, load, parse
from flora_contract.openapi.behaviour import VOCABULARY, Behaviour
from flora_contract.openapi.behaviour_gaps import unstated
from flora_contract.openapi.contract import Contract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.openapi import Pointer

HERE = Path(__file__).parent
FLORA = (shipped.CONTRACT, shipped.OVERLAYS / "behaviour.yaml")
BAKERY = (HERE / "bakery.yaml", HERE / "bakery.behaviour.yaml")
"""A made-up API that uses every statement in a second way."""

CONTRACTS = {files[0]: load(files[0]) for files in (FLORA, BAKERY)}


def behaviour(files: tuple[Path, Path], text: str | None = None) -> Behaviour:
    """The statements of an overlay, or of what its text was changed to."""
    overlay = files[1].read_text(encoding="utf-8") if text is None else text
    document = apply(CONTRACTS[files[0]], [parse(overlay, "b.yaml")], strict=True).document
    return Behaviour(Contract(document))


# Every name


@dataclass(frozen=True)
class Leaf:
    """A key or a single value of a statement: its place, and where its text stands."""

    files: tuple[Path, Path]
    pointer: Pointer
    is_key: bool
    line: int
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.files[1].stem}:{self.line} {'.'.join(map(str, self.pointer))}"

    def renamed(self, text: str) -> str:
        """The overlay with another name here: one letter more."""
        return f"{text[: self.end]}x{text[self.end :]}"

    def replaced(self, text: str, value: str) -> str:
        return text[: self.start] + value + text[self.end :]


def leaves(files: tuple[Path, Path]) -> Iterator[Leaf]:
    root = yaml.compose(files[1].read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    actions = next(value for key, value in root.value if key.value == "actions")
    for action in actions.value:
        update = next(value for key, value in action.value if key.value == "update")
        yield from _leaves(files, update, ())


def _leaves(files: tuple[Path, Path], node: Any, pointer: Pointer) -> Iterator[Leaf]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield _leaf(files, key, (*pointer, key.value), is_key=True)
            yield from _leaves(files, value, (*pointer, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _leaves(files, item, (*pointer, index))
    else:
        yield _leaf(files, node, pointer, is_key=False)


def _leaf(files: tuple[Path, Path], node: Any, pointer: Pointer, *, is_key: bool) -> Leaf:
    start, end = node.start_mark, node.end_mark
    quotes = 1 if node.style in {"'", '"'} else 0
    return Leaf(files, pointer, is_key, start.line + 1, start.index + quotes, end.index - quotes)


def is_free(leaf: Leaf) -> bool:
    """Whether a statement may say anything here: nothing else has a name for it.

    Labels are for `flora-contract lint`, which knows the registers.
    """
    match leaf.pointer:
        case (*_, "x-source" | "x-conflict", int()):
            return True
        case ("x-errors", "codes", _, int()):
            return not leaf.is_key
        case ("x-resources", _):
            return leaf.is_key
    return False


LEAVES = [leaf for files in (FLORA, BAKERY) for leaf in leaves(files)]
NAMED = [leaf for leaf in LEAVES if not is_free(leaf)]
NUMBERED = [
    leaf
    for leaf in NAMED
    if leaf.pointer[0] != "x-errors"
    and not leaf.is_key
    and {"status", "also"} & set(leaf.pointer[-2:])
]


def told(leaf: Leaf, text: str) -> str:
    """The one line that is said of a change, which names the line of the leaf and a remedy."""
    with pytest.raises(InputError) as raised:
        behaviour(leaf.files, text)
    message = str(raised.value)
    assert f"b.yaml:{leaf.line}" in message, f"line {leaf.line}: {message}"
    assert re.match(r"b\.yaml:\d+: [^\n]+(; |\?\Z)[^\n]*\Z", message), message
    return message


def text_of(leaf: Leaf) -> str:
    return leaf.files[1].read_text(encoding="utf-8")


@pytest.mark.parametrize("leaf", NAMED, ids=str)
def test_a_name_that_nothing_has_is_told_with_its_line(leaf: Leaf) -> None:
    told(leaf, leaf.renamed(text_of(leaf)))


@pytest.mark.parametrize("leaf", NUMBERED, ids=str)
def test_a_status_that_nothing_documents_is_told_with_its_line(leaf: Leaf) -> None:
    told(leaf, leaf.replaced(text_of(leaf), "499"))


@pytest.mark.parametrize("leaf", [leaf for leaf in LEAVES if not leaf.is_key], ids=str)
def test_a_value_of_another_kind_is_told_with_its_line(leaf: Leaf) -> None:
    told(leaf, leaf.replaced(text_of(leaf), "[[]]"))


def test_what_is_free_is_little() -> None:
    free = [leaf for leaf in LEAVES if is_free(leaf) and leaf.pointer[0] != "x-resources"]
    assert {leaf.pointer[-2] for leaf in free if "codes" not in leaf.pointer} == {
        "x-source",
        "x-conflict",
    }
    assert len(LEAVES) - len(free) > 500


def test_a_kind_that_others_name_is_missed() -> None:
    text = (
        BAKERY[1].read_text(encoding="utf-8").replace("        Bakery:\n", "        Bakehouse:\n")
    )
    with pytest.raises(InputError, match=r"has no kind Bakery; it has Bakehouse, "):
        behaviour(BAKERY, text)


# Contradictions


DOCUMENT = ("actions", 0, "update")
RESOURCES = (*DOCUMENT, "x-resources")
LIFE = (*RESOURCES, "Baking", "life")
BAKERIES, ORDERS, PLACE, BAKE, STOP, ORDER = (("actions", i, "update") for i in range(1, 7))
GONE = {"status": 422, "code": "gone"}

CONTRADICTIONS: list[tuple[Pointer, Any, Pointer, str]] = [
    # what is changed, to what, where the fault is, what is said
    ((*RESOURCES, "Order", "act"), "dropOrder", (), "dropOrder is Order.delete already"),
    ((*RESOURCES, "Order", "create"), ["placeOrder", "oneBaking"], (1,), "oneBaking is a GET, and"),
    ((*RESOURCES, "Bakery", "prefix"), "b_", (), "'b_' contradicts ^bk-[a-z]+$"),
    ((*RESOURCES, "Order", "constant"), ["changedAt"], (0,), "changedAt is stated to change"),
    ((*RESOURCES, "Baking", "constant"), ["loaf"], (0,), "loaf is stated to change"),
    ((*RESOURCES, "Order", "aliases"), ["no"], (0,), "an Order has no other no"),
    ((*RESOURCES, "Order", "updated"), "placedAt", (), "placedAt says when it was made"),
    ((*RESOURCES, "Order", "cost"), "isOpen", (), "isOpen is not a number"),
    ((*RESOURCES, "Order", "created"), "isOpen", (), "isOpen is not a time"),
    ((*RESOURCES, "Order", "link"), "isOpen", (), "isOpen is not a text"),
    ((*ORDERS, "x-list", "filters", "customer"), "loaves", (), "customer takes a string, and"),
    ((*RESOURCES, "Order", "read"), None, ("..", "link"), "no operation reads an Order"),
    ((*RESOURCES, "Order", "shows", "note"), "loaves", (), "loaves shows loaves already"),
    ((*RESOURCES, "Order", "references", "bakery"), "Baking", (), "begins with 'bk-', the id of a"),
    ((*RESOURCES, "Recipe", "path"), {}, (), "does not say which member recipeId of"),
    ((*RESOURCES, "Recipe", "path", "recipeId"), "title", ("..",), "no parameter holds recipeId"),
    ((*LIFE, "order"), ["queued", "heating", ["done", "burnt"]], (), "can be baking"),
    ((*LIFE, "order", 0), ["queued", "done"], ("..", 2, 0), "done stands twice"),
    ((*LIFE, "order"), ["queued"], (), "has less than 2 items; correct it"),
    ((*LIFE, "state"), None, ("..",), "does not say state; add it"),
    ((*RESOURCES, "Order", "aliases"), ["alsoNo", "alsoNo"], (), "names one twice; remove it"),
    ((*LIFE, "failed"), ["heating"], (0,), "heating is not a final state; those are done"),
    ((*LIFE, "grows"), "loaf", (), "loaf is not a number"),
    ((*LIFE, "members", "phase"), {"in": ["done"]}, (), "phase is in every state"),
    ((*LIFE, "members", "fault.kind", "in"), ["burnt", "done"], ("..",), "tells of a failure"),
    ((*LIFE, "members", "loaf", "required"), None, ("..", "severity"), "has no severity"),
    ((*LIFE, "members", "heatedAt"), None, ("..", "..", "times", 1), "does not say in which"),
    ((*LIFE, "times"), ["queuedAt", "endedAt", "heatedAt"], (2,), "belongs to an earlier state"),
    ((*DOCUMENT, "x-errors", "codes", "418"), ["seen"], (), "no operation documents 418"),
    ((*DOCUMENT, "x-refusals", "no-key", "also"), [422], (0,), "422 is the rule already"),
    ((*BAKE, "x-refusals"), {"used-key": {"status": 410}}, ("used-key", "status"), "no answer 410"),
    ((*BAKE, "x-lists"), {"items": "a"}, (), "x-lists is not a statement; did you mean x-list?"),
    ((*BAKE, "x-resources"), {}, (), "x-resources is not read here; state it on the document"),
    ((*DOCUMENT, "x-list"), {}, (), "x-list is not read here; state it on an operation"),
    ((*BAKERIES, "x-list", "filters", "tags"), {"member": "meta", "match": "contains"}, ("match",),
     "meta is not a text"),
    ((*ORDERS, "x-list", "items"), "page.count", (), "page.count is not a list of objects"),
    ((*ORDERS, "x-list", "page", "size"), "skip", ("..", "offset"), "skip is size already"),
    ((*ORDERS, "x-list", "page", "cursor"), "customer", ("..", "offset"), "cursor is another way"),
    ((*ORDERS, "x-list", "page", "next"), "page.count", (), "next is of no use without cursor"),
    ((*ORDERS, "x-list", "filters", "take"), "loaves", (), "take is stated under page already"),
    ((*RESOURCES, "Order", "list"), None, (*ORDERS, "x-list"), "no resource says what allOrders"),
    ((*BAKERIES, "x-list"), None, (*RESOURCES, "Bakery", "id"), "no operation shows a Bakery"),
    ((*BAKERIES, "x-idempotency"), {"header": "a", "window": 1, "repetition": "replayed"},
     ("header",), "allBakeries has no header a; it has none"),
    ((*PLACE, "x-idempotency", "tolerated"), ["replayed"], (0,), "replayed is the rule already"),
    ((*PLACE, "x-charges", "assumed"), {"small": 1}, (), "does not say of which member"),
    ((*PLACE, "x-charges", "cost"), "isOpen", (), "isOpen is not a number"),
    ((*STOP, "x-refusals"), {"used-key": GONE}, ("used-key",), "stopBaking takes no key"),
    ((*STOP, "x-refusals"), {"no-credits": GONE}, ("no-credits",), "stopBaking is free, as"),
    ((*BAKERIES, "x-refusals"), {"no-key": GONE}, ("no-key",), "allBakeries asks for no key"),
    ((*STOP, "x-refusals"), {"rate": {"status": 409}}, ("rate", "status"), "has no answer 409"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "value", "fault", "message"), CONTRADICTIONS)
def test_a_contradiction_is_told_with_its_line(
    changed: Pointer, value: Any, fault: Pointer, message: str
) -> None:
    tree = load(BAKERY[1]).tree
    node: Any = tree
    for part in changed[:-1]:
        node = node[part]
    if value is None:
        del node[changed[-1]]
    else:
        node[changed[-1]] = value
    text = yaml.safe_dump(tree, sort_keys=False)
    with pytest.raises(InputError) as raised:
        behaviour(BAKERY, text)
    place = parse(text, "b.yaml").locate(where(changed, fault))
    assert str(raised.value).startswith(f"{place}: ")
    assert message in str(raised.value)


def where(changed: Pointer, fault: Pointer) -> Pointer:
    """The place of a fault: as seen from what was changed, with `..` for a step out, or whole."""
    if fault[:1] == ("actions",):
        return fault
    place = list(changed)
    for part in fault:
        if part == "..":
            place.pop()
        else:
            place.append(part)
    return tuple(place)


# What is meant


def test_what_is_stated_is_read() -> None:
    stated = behaviour(BAKERY)
    order, baking = stated.kind("Order"), stated.kind("Baking")
    assert (order.create, order.read, order.update) == (("placeOrder",), "oneOrder", "changeOrder")
    assert (order.delete, order.list, order.id_parameter) == ("dropOrder", "allOrders", "orderNo")
    assert (stated.kind("Bakery").prefix, stated.kind("Bakery").owner) == ("bk-", "everyone")
    life = baking.life
    assert life is not None
    assert (life.final, life.succeeded) == (("done", "burnt", "dropped"), ("done",))
    assert [life.rank(s) for s in ("queued", "baking", "burnt", "?")] == [0, 1, 2, None]
    orders = stated.of("allOrders").listing
    assert orders is not None
    assert (orders.paged, orders.descending, orders.size) == (True, False, "take")
    assert orders.filters["noteText"].match == "contains"
    assert stated.of("allBakeries").items.keys() >= {"meta.id", "name"}
    assert stated.of("stopBaking").idempotency is None
    assert stated.of("oneOrder").refusals["unknown-id"].status == 410
    assert stated.of("startBaking").refusals["used-key"].status == 422
    assert not stated.is_secured(stated.of("allBakeries"))


def test_a_statement_has_a_name_and_a_place() -> None:
    stated = behaviour(BAKERY)
    life, listing = stated.kind("Baking").life, stated.of("allOrders").listing
    assert life is not None
    assert listing is not None
    assert (life.statement.name, listing.statement.name) == ("Baking.life", "list")
    assert stated.where(life.statement) == "b.yaml:89"


def test_nothing_of_ours_is_left_unstated() -> None:
    assert list(unstated(behaviour(FLORA))) == []


def test_what_is_not_stated_is_told() -> None:
    found = [gap for _, gap in unstated(behaviour(BAKERY))]
    assert found == [
        "placeOrder: what is answered with 402",
        "startBaking: whether and where size of the request is shown",
        "startBaking: what is answered with 409",
    ]


def test_each_statement_that_goes_is_missed() -> None:
    tree = load(FLORA[1]).tree
    for action in tree["actions"][2:]:
        for name in action["update"].keys() - {"x-answers"}:
            statement = action["update"].pop(name)
            with contextlib.suppress(InputError):  # another statement may speak of it
                found = unstated(behaviour(FLORA, yaml.safe_dump(tree)))
                assert any(name in gap for _, gap in found), name
            action["update"][name] = statement


def test_a_document_without_statements_has_none() -> None:
    stated = Behaviour(Contract(CONTRACTS[BAKERY[0]]))
    assert stated.resources == {}
    assert all(not o.refusals and o.role is None for o in stated.operations.values())
    assert len([gap for _, gap in unstated(stated) if "no resource names it" in gap]) == len(
        stated.operations
    )


@pytest.mark.parametrize(
    ("place", "gap"),
    [
        ((*ORDERS, "x-list", "order"), "allOrders: the order of what it lists"),
        ((*ORDERS, "x-list", "filters", "open"), "allOrders: what the query parameter open does"),
        ((*ORDERS, "x-list"), "allOrders: how it lists (x-list)"),
    ],
)
def test_what_is_left_out_of_a_list_is_told(place: Pointer, gap: str) -> None:
    tree = load(BAKERY[1]).tree
    node: Any = tree
    for part in place[:-1]:
        node = node[part]
    del node[place[-1]]
    assert gap in [told for _, told in unstated(behaviour(BAKERY, yaml.safe_dump(tree)))]


def test_the_vocabulary_describes_each_of_its_words() -> None:
    def check(node: Any, name: str) -> None:
        for key, value in node.get("properties", {}).items():
            if not key.startswith("x-") and "$ref" not in value:
                assert value.get("description"), f"{name}.{key}"
            check(value, f"{name}.{key}")

    for name, node in VOCABULARY["$defs"].items():
        assert node.get("description"), name
        check(node, name)
