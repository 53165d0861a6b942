"""Overlays on YAML text: comments, order and style stay; on JSON text: the shape stays."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flora_contract.openapi import Document, apply, parse, walk, written
from flora_contract.openapi.sameness import alike
from flora_contract.shipped import CONTRACT


def overlay_of(*actions: dict[str, Any]) -> Document:
    tree = {"overlay": "1.1.0", "info": {"title": "t", "version": "1"}, "actions": list(actions)}
    return parse(json.dumps(tree), "overlay.json")


def rewritten(text: str, *actions: dict[str, Any], file: str = "base.yaml") -> str:
    document = parse(text, file)
    applied = apply(document, [overlay_of(*actions)])
    out = written(document, applied.edits, applied.document.tree)
    assert alike(parse(out, file).tree, applied.document.tree)
    return out


def check(before: str, action: dict[str, Any], after: str) -> None:
    assert rewritten(dedent(before), action) == dedent(after)


def test_nothing_to_do_changes_no_byte() -> None:
    text = "a:   1   # odd\n\n\nb: {x:  2}\n<<: &m {c: 1}\n..."
    assert rewritten(text, {"target": "$.none", "remove": True}) == text


def test_an_edit_of_the_contract_changes_its_own_lines_only() -> None:
    text = CONTRACT.read_text(encoding="utf-8")
    action = {"target": "$.components.schemas.RunId", "update": {"maxLength": 40}}
    before, after = text.splitlines(), rewritten(text, action).splitlines()
    (added,) = (n for n, line in enumerate(after) if before[n : n + 1] != [line]
                and after[:n] + after[n + 1 :] == before)  # fmt: skip
    assert after[added] == "      maxLength: 40"


class TestComments:
    def test_stay_on_their_lines(self) -> None:
        check(
            """\
            # first
            a: 1   # one
            # second
            b:     # two
              - x  # three
              # fourth
              - y
            """,
            {"target": "$", "update": {"a": 5, "b": ["z"]}},
            """\
            # first
            a: 5   # one
            # second
            b:     # two
              - x  # three
              # fourth
              - y
              - z
            """,
        )

    def test_about_what_follows_outlive_what_goes(self) -> None:
        check(
            """\
            a:
              x: 1

            # about b
            b:
              y: 2
              # about z
              z: 3
            # the end
            """,
            {"target": "$['a', 'b']['x', 'z']", "remove": True},
            """\
            a: {}

            # about b
            b:
              y: 2
              # about z
            # the end
            """,
        )

    @pytest.mark.parametrize("block", ["|", ">", "|-"])
    def test_after_a_block_of_text(self, block: str) -> None:
        text = f"a: {block}\n  text\n# about b\nb: {block}\n  more\n# about c\nc: 1\n"
        assert "# about b\n" in rewritten(text, {"target": "$.a", "update": "new"})
        assert "# about b\n" in rewritten(text, {"target": "$.a", "update": "of\nlines"})
        assert "# about c\n" in rewritten(text, {"target": "$.b", "remove": True})

    def test_between_sections_stay_between_them(self) -> None:
        check(
            """\
            schemas:
              One:
                type: string

              # Others

              Two: {type: string}
            """,
            {"target": "$.schemas.One", "update": {"enum": ["a"]}},
            """\
            schemas:
              One:
                type: string
                enum:
                  - a

              # Others

              Two: {type: string}
            """,
        )


class TestStyle:
    def test_scalars_stay_as_they_are_written(self) -> None:
        text = (
            "200: ~\n1.0: 0x1F\nb: [string, null, 012, 1.0, 1e3, 2020-01-01, no, True]\n"
            "c: 'q'\nd: \"Q\"\ne:\nf: null\n"
        )
        added = rewritten(text, {"target": "$", "update": {"g": None, "h": "no", "i": "1:30"}})
        assert added == text + "g: null\nh: 'no'\ni: '1:30'\n"

    def test_a_key_like_a_number_is_found(self) -> None:
        check("r:\n  200: {d: x}\n", {"target": "$.r['200']", "update": {"d": "z"}},
              "r:\n  200: {d: z}\n")  # fmt: skip

    @pytest.mark.parametrize("indent", ["", "  ", "    "])
    def test_list_items_are_indented_as_before(self, indent: str) -> None:
        text = f"a:\n{indent}- x\n{indent}- k: 1\n{indent}  l: 2\nb:\n  c: 1\n"
        assert rewritten(text, {"target": "$.a", "update": "z"}) == text.replace(
            "b:", f"{indent}- z\nb:"
        )

    @pytest.mark.parametrize("indent", ["  ", "    "])
    def test_mappings_are_indented_as_before(self, indent: str) -> None:
        text = f"a:\n{indent}b:\n{indent}{indent}c: 1\n"
        assert rewritten(text, {"target": "$.a.b", "update": {"d": 2}}) == (
            text + f"{indent}{indent}d: 2\n"
        )

    def test_long_lines_are_not_folded(self) -> None:
        text = f"a: {'word ' * 60}end\nb: 1\n"
        assert rewritten(text, {"target": "$.b", "update": 2}) == text.replace("b: 1", "b: 2")

    def test_flow_stays_flow(self) -> None:
        check("a: [x, {y: 1}]\n", {"target": "$.a", "update": {"z": 2}},
              "a: [x, {y: 1}, {z: 2}]\n")  # fmt: skip

    def test_what_was_empty_is_filled_as_a_block(self) -> None:
        check("a: {}\n", {"target": "$.a", "update": {"b": {"c": 1}}}, "a:\n  b:\n    c: 1\n")

    def test_text_of_several_lines_is_a_block(self) -> None:
        check("a: 1\n", {"target": "$", "update": {"b": "one\n  two\n"}},
              "a: 1\nb: |\n  one\n    two\n")  # fmt: skip

    def test_a_start_of_document_stays(self) -> None:
        check("---\na: 1\n", {"target": "$.a", "update": 2}, "---\na: 2\n")


class TestAliases:
    def test_stay_where_nothing_is_edited(self) -> None:
        check("a: &x {b: 1}\nc: *x\nd: 1\n", {"target": "$.d", "update": 2},
              "a: &x {b: 1}\nc: *x\nd: 2\n")  # fmt: skip

    def test_become_copies_where_something_is(self) -> None:
        check("a: &x {b: 1}\nc: *x\nd: *x\n", {"target": "$.c", "update": {"e": 1}},
              "a: &x {b: 1}\nc: {b: 1, e: 1}\nd: *x\n")  # fmt: skip

    def test_an_edit_of_the_original_leaves_the_copies(self) -> None:
        out = rewritten("a: &x {b: 1}\nc: *x\n", {"target": "$.a", "update": {"b": 2}})
        assert parse(out, "x").tree == {"a": {"b": 2}, "c": {"b": 1}}

    def test_merges_are_carried_out(self) -> None:
        out = rewritten(
            "a: &x\n  b: {l: []}\nc:\n  <<: *x\n  d: 1\n",
            {"target": "$.c.b.l", "update": 1},
            {"target": "$.a", "update": {"new": 1}},
        )
        assert parse(out, "x").tree == {
            "a": {"b": {"l": []}, "new": 1},
            "c": {"b": {"l": [1]}, "d": 1},
        }


class TestJson:
    @pytest.mark.parametrize("indent", [2, 4, "\t"])
    def test_keeps_its_indentation(self, indent: int | str) -> None:
        text = json.dumps({"a": {"b": [1]}}, indent=indent) + "\n"
        out = rewritten(text, {"target": "$.a.b", "update": 2}, file="a.json")
        assert out == json.dumps({"a": {"b": [1, 2]}}, indent=indent) + "\n"

    def test_keeps_its_characters(self) -> None:
        update = {"target": "$", "update": {"b": "ß"}}
        assert '"é"' in rewritten('{"a": "é"}', update, file="a.json")
        assert r'"\u00df"' in rewritten('{"a": "e"}', update, file="a.json")


RICH = (
    CONTRACT.read_text(encoding="utf-8").partition("\npaths:")[0]
    + """
# aliases
base: &base
  x: 1   # one
  list: &list [1, {y: 2}]

merged:
  <<: [*base, {z: 3}]
  own: *list   # again
text: |
  literal

  # no comment

# about folded
folded: >-
  several
  lines
  # a comment
200: {description: ok}  # flow
items:
  - plain
  - |
    text
  # before the third
  - &third {a: 1}
  - *third
  -   - nested
      - - deeper

empty: {}   # nothing
none:
"""
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5)
    | st.sampled_from(["x", "", "no", "two\nlines", "two\n\nlines\n", " lead\nline",
                       "trail \nx",
                       "# a", "a: b", "- a", "a #b", "1:30", "0x1", "~", "tab\n\tline", "'", '"',
                       "*a", "&a", "!t", "\n", "\u2028", "\x85", "😀\nx", "%x", "@", "`", "? a",
                       "<<"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["new", "200", "no", "a b", "x-y", "#", "<<", "\n"]), inner,
                      max_size=3),
    max_leaves=6,
)  # fmt: skip


@st.composite
def some_actions(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Actions that apply to RICH, on nodes that are there when their turn comes."""
    document, actions = parse(RICH, "rich.yaml"), []
    for _ in range(draw(st.integers(1, 4))):
        pointer, node = draw(st.sampled_from([p for p in walk(document.tree) if p[0]]))
        target = "$" + "".join(f"[{json.dumps(part)}]" for part in pointer)
        action: dict[str, Any] = {"target": target}
        if draw(st.booleans()):
            action["remove"] = True
        else:
            value = draw(VALUES)
            fits = isinstance(value, (dict, list)) == isinstance(node, (dict, list))
            if isinstance(node, dict):
                value = {"new": value}
                fits = "new" not in node
            if not fits and not isinstance(node, list):
                continue
            action["update"] = value
        if action not in actions:
            document = apply(document, [overlay_of(action)]).document
            actions.append(action)
    return actions or [{"target": "$.none", "remove": True}]


@given(some_actions())
def test_text_and_data_come_to_the_same(actions: list[dict[str, Any]]) -> None:
    rewritten(RICH, *actions)
