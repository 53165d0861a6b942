"""Text to data: what YAML 1.2 and JSON mean, where nodes stand, and texts that are not in order."""

from __future__ import annotations

import contextlib
import io
import json
import math
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flora_contract.errors import InputError
from flora_contract.openapi import load, parse
from flora_contract.openapi.document import MAX_BYTES
from flora_contract.openapi.reading import MAX_DEPTH
from flora_contract.openapi.sameness import alike
from flora_contract.shipped import CONTRACT

if TYPE_CHECKING:
    from pathlib import Path


def read(text: str) -> Any:
    return parse(text, "file.yaml").tree


class TestScalars:
    @pytest.mark.parametrize("text", ["null", "Null", "NULL", "~", ""])
    def test_null(self, text: str) -> None:
        assert read(f"a: {text}") == {"a": None}

    @pytest.mark.parametrize(
        ("text", "value"),
        [("true", True), ("True", True), ("TRUE", True), ("false", False), ("FALSE", False)],
    )
    def test_booleans(self, text: str, value: bool) -> None:
        assert read(f"a: {text}") == {"a": value}

    @pytest.mark.parametrize(
        ("text", "value"),
        [("0", 0), ("-12", -12), ("+1", 1), ("010", 10), ("0o17", 15), ("0x1F", 31),
         (str(10**30), 10**30)],
    )  # fmt: skip
    def test_integers(self, text: str, value: int) -> None:
        found = read(f"a: {text}")["a"]
        assert (found, type(found)) == (value, int)

    @pytest.mark.parametrize(
        ("text", "value"),
        [("1.0", 1.0), (".5", 0.5), ("1e3", 1000.0), ("-1.5E-2", -0.015), ("2.", 2)],
    )
    def test_floats(self, text: str, value: float) -> None:
        found = read(f"a: {text}")["a"]
        assert math.isclose(found, value)
        assert isinstance(found, float)

    @pytest.mark.parametrize(
        "text",
        ["no", "yes", "on", "off", "y", "N", "2020-01-01", "12:30:45", "1_000", "0b1", "nULL",
         "tRUE", "1.2.3", "3.1.0", "+", "e5", "'1'", '"true"', "!!str 12", "|\n  1\n",
         "=", "0x", ".inff"],
    )  # fmt: skip
    def test_strings(self, text: str) -> None:
        assert isinstance(read(f"a: {text}")["a"], str)

    @pytest.mark.parametrize(("text", "value"), [("!!float 1", 1.0), ("!!int 3", 3)])
    def test_tags(self, text: str, value: float) -> None:
        found = read(f"a: {text}")["a"]
        assert (found, type(found)) == (value, type(value))

    @pytest.mark.parametrize("key", ["200", "1.0", "true", "null", "~", "2020-01-01", "0x1F"])
    def test_keys_are_strings_as_they_are_written(self, key: str) -> None:
        assert read(f"{key}: a") == {key: "a"}


class TestAliases:
    def test_a_copy(self) -> None:
        tree = read("a: &x {b: []}\nc: *x")
        tree["a"]["b"].append(1)
        assert tree == {"a": {"b": [1]}, "c": {"b": []}}

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a: &a {x: 1, y: 1}\nb: {<<: *a, y: 2}", {"x": 1, "y": 2}),
            ("a: &a {x: 1}\nb: {y: 2, <<: *a}", {"x": 1, "y": 2}),
            ("a: [&a {x: 1}, &b {x: 2, y: 2}]\nb: {<<: [*a, *b]}", {"x": 1, "y": 2}),
            ("a: &a {x: 1}\nz: &b {<<: *a, y: 2}\nb: {<<: *b}", {"x": 1, "y": 2}),
            ("b: {'<<': 1}", {"<<": 1}),
        ],
    )
    def test_merge_keys(self, text: str, expected: Any) -> None:
        assert read(text)["b"] == expected

    @pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: {c: *a}}", "a: &a {<<: *a}"])
    def test_cycles(self, text: str) -> None:
        with pytest.raises(InputError, match=r"^file.yaml:1: an alias here leads into itself"):
            read(text)

    def test_what_unfolds_without_end(self) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
        with pytest.raises(InputError, match="aliases unfold to more than 1,000,000 nodes"):
            read("\n".join(lines))

    def test_merges_of_merges_take_no_time(self) -> None:
        lines = ["a0: &a0 {x: 1}"]
        lines += [f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}" for i in range(1, 80)]
        assert read("\n".join(lines))["a79"] == {"x": 1}


class TestFaults:
    @pytest.mark.parametrize(
        ("text", "line", "problem"),
        [
            ("", None, "is empty"),
            ("# only this\n", None, "is empty"),
            ("a: 1\nb: 2\na: 3", 3, "key 'a' stands twice; remove one"),
            ("a: 1\n\tb: 2", 2, "a tab indents this line; use spaces"),
            ("a: {b: 1\nc: [", 2, "not valid YAML"),
            ("a: 'x\nb: 2\n", 3, "not valid YAML"),
            ("a: 1\n---\nb: 1", 2, "another document"),
            ("a: *b", 1, "undefined alias"),
            ("a: 1\nb: .inf", 2, "has no counterpart in JSON; quote it"),
            ("a: 1e999", 1, "has no counterpart in JSON"),
            ('{"a":\n 1e999}', 2, "has no counterpart in JSON"),
            ("a: .NaN", 1, "has no counterpart in JSON"),
            ("a: !include x.yaml", 1, "tag !include has no meaning here"),
            ("a: !!binary eA==", 1, "tag tag:yaml.org,2002:binary has no meaning here"),
            ("a: !!set {b}", 1, "tag tag:yaml.org,2002:set has no meaning here"),
            ("a: !!int x", 1, "'x' is not of type int"),
            ("? [a]\n: b", 1, "a key must be a string"),
            ("a: {<<: 1}", 1, "`<<` merges mappings only"),
            ("a: 1\nb: x\x00y", 2, "not text"),
            ("a: " + "9" * 5000, 1, "a number of 5000 digits; quote it"),
            ('{"a": 1,\n "a": 2}', 2, "key 'a' stands twice"),
            ('{"a":\n ' + "9" * 5000 + "}", 2, "a number of 5000 digits"),
            ('{"a": "\\ud800"}', None, "\\ud800 stands alone"),
            ("a: " + "[" * (MAX_DEPTH + 5), 1, "nested deeper than 200 levels"),
            ("a: " + "[" * 300_000, 1, "nested deeper than 200 levels"),
            ("[" * 300_000 + "]" * 300_000, None, "nested deeper than 200 levels"),
            ("- " * 50_000 + "x", 1, "nested deeper than 200 levels"),
            ("".join(" " * i + "a:\n" for i in range(300)), 201, "nested deeper than 200 levels"),
            (json.dumps({"a": json.loads("[" * 250 + "]" * 250)}), None, "nested deeper"),
        ],
    )  # fmt: skip
    def test_one_line_with_the_place(self, text: str, line: int | None, problem: str) -> None:
        with pytest.raises(InputError) as failure:
            read(text)
        message = str(failure.value)
        assert message.startswith("file.yaml: " if line is None else f"file.yaml:{line}: ")
        assert problem in message
        assert "\n" not in message

    def test_json_by_its_name(self) -> None:
        with pytest.raises(InputError, match=r"^file.json:2: not valid JSON: Expecting"):
            parse('{"a": 1,\n b: 2}', "file.json")

    def test_deepest_that_is_read(self) -> None:
        levels = MAX_DEPTH
        assert read("[" * levels + "]" * levels) is not None
        assert read("a: " + "[" * (levels - 1) + "x" + "]" * (levels - 1)) is not None

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            (b"", "is empty"),
            (b"a: \xff\n", ":1: not UTF-8"),
            (b"a: 1\nb: caf\xe9\n", ":2: not UTF-8; save it as UTF-8"),
            ("a: 1".encode("utf-16"), "is UTF-16; save it as UTF-8"),
            (bytes(range(256)), ":2: not UTF-8"),
            (b"\x7fELF\x01\x00\x00", ":1: not text"),
            (b"<!doctype html>\n<html></html>", "not a mapping of keys to values"),
            (b"just words", "is it an OpenAPI document?"),
            (b"[1, 2]", "is it an OpenAPI document?"),
            (b"%PDF-1.7\n%x", ":1: not valid YAML"),
        ],
    )
    def test_files(self, tmp_path: Path, data: bytes, problem: str) -> None:
        path = tmp_path / "openapi.yaml"
        path.write_bytes(data)
        with pytest.raises(InputError) as failure:
            load(path)
        assert str(failure.value).startswith(str(path))
        assert problem in str(failure.value)

    def test_files_that_are_none(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"none.yaml: no such file; correct the path$"):
            load(tmp_path / "none.yaml")
        with pytest.raises(InputError, match=r"cannot be read: Is a directory$"):
            load(tmp_path)
        with pytest.raises(InputError, match="cannot be read"):
            load("a\0b")

    def test_a_file_that_is_too_large(self, tmp_path: Path) -> None:
        path = tmp_path / "large.yaml"
        with path.open("wb") as file:
            file.truncate(MAX_BYTES + 1)
        with pytest.raises(InputError, match="larger than 64 MB"):
            load(path)

    def test_every_truncation_of_the_contract_ends_in_order(self) -> None:
        text = CONTRACT.read_text(encoding="utf-8")
        for end in range(0, len(text), 397):
            with contextlib.suppress(InputError):
                parse(text[:end], "cut.yaml").locate(("paths", "/generate"))

    @given(st.text(alphabet=st.sampled_from("ab:-[]{},&*!|>'\"\n\t #%@`?0.~<"), max_size=40))
    def test_no_text_is_met_by_anything_else_than_data_or_input_error(self, text: str) -> None:
        try:
            document = parse(text, "f.yaml")
        except InputError:
            return
        document.locate(("a", 0, "b"))


class TestSources:
    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stream = io.TextIOWrapper(io.BytesIO(b"a: 1\n"))
        monkeypatch.setattr(sys, "stdin", stream)
        document = load("-")
        assert (document.tree, document.file) == ({"a": 1}, "<stdin>")

    def test_a_byte_order_mark(self, tmp_path: Path) -> None:
        path = tmp_path / "x.yaml"
        path.write_bytes(b"\xef\xbb\xbfa: 1\n")
        assert load(path).tree == {"a": 1}

    def test_the_contract_as_another_reader_sees_it(self) -> None:
        assert load(CONTRACT).tree == yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))

    JSON = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4),
        max_leaves=20,
    )  # fmt: skip

    @given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON), st.booleans())
    def test_json(self, tree: dict[str, Any], ascii_only: bool) -> None:
        document = parse(json.dumps(tree, ensure_ascii=ascii_only), "x.json")
        assert alike(document.tree, tree)
        assert document.is_json
        assert document.locate(tuple(tree)[:1]).line == 1

    @given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, min_size=1))
    def test_yaml(self, tree: dict[str, Any]) -> None:
        text = yaml.safe_dump(tree, default_style='"', width=10_000)
        assert alike(parse(text, "x.yaml").tree, tree)
