"""Overlays on plain data: the specification's examples, and what implementations trip over."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from flora_contract.errors import InputError
from flora_contract.openapi import Applied, apply, parse


def overlay_text(actions: str, version: str = "1.1.0") -> str:
    head = f"overlay: {version}\ninfo: {{title: Test, version: 1.0.0}}\nactions:\n"
    return head + "".join(f"  {line}\n" for line in actions.strip("\n").splitlines())


def run(base: str, actions: str, version: str = "1.1.0") -> Applied:
    document = parse(base, "base.yaml")
    before = yaml.safe_dump(document.tree)
    applied = apply(document, [parse(overlay_text(actions, version), "overlay.yaml")])
    assert yaml.safe_dump(document.tree) == before, "the input has been changed"
    return applied


def result(base: str, actions: str, version: str = "1.1.0") -> Any:
    return run(base, actions, version).document.tree


def check(base: str, actions: str, expected: str, version: str = "1.1.0") -> None:
    found = result(base, actions, version)
    assert found == parse(expected, "expected.yaml").tree


PETS = """
openapi: 3.1.0
info: {title: Pets, version: 1.0.0}
paths:
  /:
    get: {summary: Root}
  /pets:
    get:
      summary: Pets
      x-rate-limit: 64
"""


class TestExamplesOfTheSpecification:
    def test_structured(self) -> None:
        check(
            PETS,
            """
- target: '$'
  update:
    info: {x-overlay-applied: structured-overlay}
    paths:
      /:
        summary: The root
        get: {summary: Look at the root, x-rate-limit: 100}
      /pets:
        get: {summary: List pets, x-rate-limit: 100}
    components:
    tags:
""",
            """
openapi: 3.1.0
info: {title: Pets, version: 1.0.0, x-overlay-applied: structured-overlay}
paths:
  /:
    summary: The root
    get: {summary: Look at the root, x-rate-limit: 100}
  /pets:
    get: {summary: List pets, x-rate-limit: 100}
components: null
tags: null
""",
            "1.0.0",
        )

    TARGETED = """
paths:
  /foo: {get: {description: old}}
  /bar: {get: {description: old}, post: {operationId: b, x-safe: true}}
"""
    TARGETED_RESULT = """
paths:
  /foo: {get: {description: new foo}}
  /bar:
    get: {description: new bar}
    post: {operationId: b, description: new child, x-safe: false}
"""

    def test_targeted_1_0(self) -> None:
        actions = """
- target: $.paths['/foo'].get
  update: {description: new foo}
- target: $.paths['/bar'].get
  update: {description: new bar}
- target: $.paths['/bar']
  update: {post: {description: new child, x-safe: false}}
"""
        check(self.TARGETED, actions, self.TARGETED_RESULT, "1.0.0")

    def test_targeted_1_1(self) -> None:
        actions = """
- target: $.paths['/foo'].get.description
  update: new foo
- target: $.paths['/bar'].get.description
  update: new bar
- target: $.paths['/bar']
  update: {post: {description: new child, x-safe: false}}
"""
        check(self.TARGETED, actions, self.TARGETED_RESULT)

    def test_wildcard(self) -> None:
        check(
            """
paths:
  /a:
    get:
      parameters:
        - {name: filter, in: query, schema: {type: string}}
        - {name: filter, in: header}
    post: {}
  /b: {get: {}}
""",
            """
- target: $.paths.*.get
  update: {x-safe: true}
- target: $.paths.*.get.parameters[?@.name=='filter' && @.in=='query']
  update: {schema: {$ref: '#/components/schemas/filterSchema'}}
""",
            """
paths:
  /a:
    get:
      parameters:
        - name: filter
          in: query
          schema: {type: string, $ref: '#/components/schemas/filterSchema'}
        - {name: filter, in: header}
      x-safe: true
    post: {}
  /b: {get: {x-safe: true}}
""",
            "1.0.0",
        )

    def test_array_element_added(self) -> None:
        check(
            "paths: {/a: {get: {parameters: [{name: one, in: query}]}}, /b: {get: {}}}",
            """
- target: $.paths.*.get.parameters
  update: {name: newParam, in: query}
""",
            """
paths:
  /a: {get: {parameters: [{name: one, in: query}, {name: newParam, in: query}]}}
  /b: {get: {}}
""",
            "1.0.0",
        )

    def test_array_element_removed(self) -> None:
        check(
            "paths: {/a: {get: {parameters: [{name: dummy}, {name: one}, {name: dummy}]}}}",
            """
- target: $.paths.*.get.parameters[?@.name == 'dummy']
  remove: true
""",
            "paths: {/a: {get: {parameters: [{name: one}]}}}",
            "1.0.0",
        )

    def test_primitive_array_element_removed(self) -> None:
        check(
            "paths: {/a: {get: {tags: [dummy, one, dummy, two, dummy]}}}",
            """
- target: $.paths.*.get.tags[?@ == 'dummy']
  remove: true
""",
            "paths: {/a: {get: {tags: [one, two]}}}",
        )

    def test_traits(self) -> None:
        check(
            """
paths:
  /items:
    get: {x-oai-traits: [paged], responses: {200: {description: OK}}}
  /items/{id}/subitems:
    get:
      x-oai-traits: [paged]
      parameters: [{name: id, in: path, required: true}]
  /other:
    get: {responses: {200: {description: OK}}}
""",
            """
- target: $.paths[?(@.get['x-oai-traits'][?(@ == 'paged')])].get
  update:
    parameters:
      - {name: top, in: query}
      - {name: skip, in: query}
""",
            """
paths:
  /items:
    get:
      x-oai-traits: [paged]
      responses: {'200': {description: OK}}
      parameters: [{name: top, in: query}, {name: skip, in: query}]
  /items/{id}/subitems:
    get:
      x-oai-traits: [paged]
      parameters:
        - {name: id, in: path, required: true}
        - {name: top, in: query}
        - {name: skip, in: query}
  /other:
    get: {responses: {'200': {description: OK}}}
""",
            "1.0.0",
        )

    COPIED = """
paths:
  /items: {get: {responses: {'200': {description: OK}}}}
  /some-items: {delete: {responses: {'200': {description: OK}}}}
"""

    def test_copy(self) -> None:
        actions = """
- target: $.paths["/some-items"]
  copy: $.paths["/items"]
"""
        found = result(self.COPIED, actions)["paths"]
        assert found["/some-items"]["get"] == found["/items"]["get"]
        assert "delete" in found["/some-items"]

    def test_target_made_then_copied_to(self) -> None:
        actions = """
- target: $.paths
  update: {/other-items: {}}
- target: $.paths["/other-items"]
  copy: $.paths["/items"]
"""
        found = result(self.COPIED, actions)["paths"]
        assert found["/other-items"] == found["/items"]
        assert list(found) == ["/items", "/some-items", "/other-items"]

    def test_move(self) -> None:
        actions = """
- target: $.paths
  update: {/new-items: {}}
- target: $.paths["/new-items"]
  copy: $.paths["/items"]
- target: $.paths["/items"]
  remove: true
"""
        check(
            self.COPIED,
            actions,
            """
paths:
  /some-items: {delete: {responses: {'200': {description: OK}}}}
  /new-items: {get: {responses: {'200': {description: OK}}}}
""",
        )

    def test_servers_replaced(self) -> None:
        check(
            "servers: [{url: 'https://a'}, {url: 'https://b'}]\ninfo: {}",
            """
- target: $.servers
  remove: true
- target: $
  update: {servers: [{url: 'http://sandbox'}]}
""",
            "info: {}\nservers: [{url: 'http://sandbox'}]",
        )


class TestUpdate:
    @pytest.mark.parametrize(
        ("version", "expected"), [("1.0.0", "a: [1, [2, 3]]"), ("1.1.0", "a: [1, 2, 3]")]
    )
    def test_array_to_array(self, version: str, expected: str) -> None:
        check("a: [1]", "- {target: $.a, update: [2, 3]}", expected, version)

    @pytest.mark.parametrize("value", ["2", "{b: 1}", "text", "null", "true"])
    def test_item_to_array(self, value: str) -> None:
        check("a: [1]", f"- {{target: $.a, update: {value}}}", f"a: [1, {value}]")

    def test_arrays_in_a_merge_are_joined_with_their_doubles(self) -> None:
        check("a: {b: [1, 2]}", "- {target: $.a, update: {b: [2, 3]}}", "a: {b: [1, 2, 2, 3]}")

    def test_a_primitive_is_replaced_whatever_its_type(self) -> None:
        check("a: {b: 1, c: 2}", "- {target: '$.a.*', update: null}", "a: {b: null, c: null}")

    def test_empty_values_are_inserted_and_change_nothing(self) -> None:
        check("a: {b: [1]}", "- {target: $.a, update: {b: [], c: {}, d: []}}",
              "a: {b: [1], c: {}, d: []}")  # fmt: skip

    def test_a_property_that_is_new_is_taken_as_it_is(self) -> None:
        check("a: {}", "- {target: $.a, update: {b: {c: [1]}}}", "a: {b: {c: [1]}}")

    def test_no_value_is_shared_between_targets(self) -> None:
        actions = """
- {target: '$.*', update: {x: {list: []}}}
- {target: $.a.x.list, update: 1}
"""
        check("a: {}\nb: {}", actions, "a: {x: {list: [1]}}\nb: {x: {list: []}}")

    def test_nodes_in_selected_nodes_are_updated_too(self) -> None:
        check("a: {b: {}}", "- {target: '$..*', update: {x: 1}}", "a: {b: {x: 1}, x: 1}")

    def test_a_node_selected_twice_is_updated_once(self) -> None:
        check("a: [1]", "- {target: \"$['a', 'a']\", update: 2}", "a: [1, 2]")

    def test_actions_see_what_those_before_have_done(self) -> None:
        actions = """
- {target: $, update: {a: {}}}
- {target: $.a, update: {b: 1}}
- {target: $.a, remove: true}
- {target: $, update: {a: again}}
"""
        check("x: 1", actions, "x: 1\na: again")

    @pytest.mark.parametrize(
        ("base", "action"),
        [
            ("a: {b: 1}", "{target: $.a, update: {b: {c: 1}}}"),
            ("a: {b: 1}", "{target: $.a, update: {b: [1]}}"),
            ("a: {b: {c: 1}}", "{target: $.a, update: {b: 1}}"),
            ("a: {b: [1]}", "{target: $.a, update: {b: {c: 1}}}"),
            ("a: {b: [1]}", "{target: $.a, update: {b: null}}"),
            ("a: {}", "{target: $.a, update: [1]}"),
            ("a: {}", "{target: $.a, update: null}"),
            ("a: 1", "{target: $.a, update: {b: 1}}"),
            ("a: 1", "{target: $.a, update: [1]}"),
        ],
    )
    @pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
    def test_kinds_that_differ(self, base: str, action: str, version: str) -> None:
        with pytest.raises(InputError, match=r"^overlay.yaml:4: "):
            run(base, f"- {action}", version)

    @pytest.mark.parametrize("base", ["a: {}\nb: []", "a: {}\nb: 1", "a: []\nb: 1"])
    def test_targets_of_several_kinds(self, base: str) -> None:
        with pytest.raises(InputError, match="of one kind"):
            run(base, "- {target: '$.*', update: {}}")

    def test_a_primitive_is_no_target_in_1_0(self) -> None:
        with pytest.raises(InputError, match=r"overlay.yaml:4: a single value"):
            run("a: 1", "- {target: $.a, update: 2}", "1.0.0")


class TestRemove:
    def test_several_items_of_one_array(self) -> None:
        check("a: [0, 1, 2, 3, 4]", "- {target: '$.a[0,1,3]', remove: true}", "a: [2, 4]")

    def test_in_whatever_order_they_are_named(self) -> None:
        check("a: [0, 1, 2, 3, 4]", "- {target: '$.a[3,-5,1,3]', remove: true}", "a: [2, 4]")

    def test_a_node_and_what_is_in_it(self) -> None:
        check("a: [{b: [1]}, {c: 1}]", "- {target: '$..*', remove: true}", "{}")

    def test_items_at_different_depths(self) -> None:
        base = "a: [{x: 1}, {b: [{x: 1}, {y: 1}]}, {x: 1}, {z: 1}]"
        check(base, "- {target: '$..[?@.x]', remove: true}", "a: [{b: [{y: 1}]}, {z: 1}]")

    def test_what_is_emptied_stays(self) -> None:
        check("a: [1]\nb: {c: 1}", "- {target: '$.*.*', remove: true}", "a: []\nb: {}")

    @pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
    def test_a_single_value(self, version: str) -> None:
        check("a: {b: 1, c: 2}", "- {target: $.a.b, remove: true}", "a: {c: 2}", version)

    def test_remove_false_removes_nothing(self) -> None:
        check("a: {b: 1}", "- {target: $.a, remove: false}", "a: {b: 1}")

    def test_remove_false_leaves_room_for_an_update(self) -> None:
        check("a: {b: 1}", "- {target: $.a, remove: false, update: {c: 1}}", "a: {b: 1, c: 1}")

    @pytest.mark.parametrize("also", ["update: {c: 1}", "copy: $.x", "update: 1, copy: $.x"])
    def test_remove_wins(self, also: str) -> None:
        check("a: {b: 1}\nx: {}", f"- {{target: $.a, remove: true, {also}}}", "x: {}")

    def test_the_root_stays(self) -> None:
        with pytest.raises(InputError, match="the whole document cannot be removed"):
            run("a: 1", "- {target: $, remove: true}")


class TestCopy:
    def test_is_deep(self) -> None:
        actions = """
- {target: $.b, copy: $.a}
- {target: $.b.list, update: 2}
"""
        check("a: {list: [1]}\nb: {}", actions, "a: {list: [1]}\nb: {list: [1, 2]}")

    def test_merges_as_an_update_does(self) -> None:
        check("a: {l: [1], p: 1}\nb: {l: [2], q: 2}", "- {target: $.b, copy: $.a}",
              "a: {l: [1], p: 1}\nb: {l: [2, 1], q: 2, p: 1}")  # fmt: skip

    def test_of_an_array_and_of_a_value(self) -> None:
        actions = """
- {target: $.b, copy: $.a}
- {target: $.b, copy: '$.a[0]'}
- {target: $.d, copy: $.c}
"""
        check("a: [1]\nb: [2]\nc: x\nd: 5", actions, "a: [1]\nb: [2, 1, 1]\nc: x\nd: x")

    def test_into_its_own_inside(self) -> None:
        check("a: {b: {}}", "- {target: $.a.b, copy: $}", "a: {b: {a: {b: {}}}}")

    def test_to_many(self) -> None:
        check("a: {x: 1}\nb: {c: {}, d: {}}", "- {target: '$.b.*', copy: $.a}",
              "a: {x: 1}\nb: {c: {x: 1}, d: {x: 1}}")  # fmt: skip

    @pytest.mark.parametrize("source", ["$.none", "$.*"])
    def test_source_must_be_one_node(self, source: str) -> None:
        with pytest.raises(InputError, match=r"^overlay.yaml:4: copy .* not one"):
            run("a: {}\nb: {}", f"- {{target: $.a, copy: '{source}'}}")

    def test_a_target_that_is_not_there_is_not_made(self) -> None:
        applied = run("a: {}", "- {target: $.b, copy: $.a}")
        assert applied.document.tree == {"a": {}}
        assert len(applied.warnings) == 1

    def test_kinds_that_differ(self) -> None:
        with pytest.raises(InputError, match=r"^overlay.yaml:4: copy gives an array"):
            run("a: {}\nb: []", "- {target: $.a, copy: $.b}")


class TestYaml:
    def test_an_alias_is_a_copy(self) -> None:
        check("a: &x {b: 1}\nc: *x", "- {target: $.c, update: {d: 1}}",
              "a: {b: 1}\nc: {b: 1, d: 1}")  # fmt: skip

    def test_an_alias_in_the_overlay_is_a_copy(self) -> None:
        actions = """
- {target: $.a, update: {x: &v {l: []}, y: *v}}
- {target: $.a.x.l, update: 1}
"""
        check("a: {}", actions, "a: {x: {l: [1]}, y: {l: []}}")

    def test_a_merge_key(self) -> None:
        check("a: &x {b: {}}\nc: {<<: *x, d: 1}", "- {target: $.c.b, update: {e: 1}}",
              "a: {b: {}}\nc: {b: {e: 1}, d: 1}")  # fmt: skip

    def test_keys_like_integers(self) -> None:
        check(
            "responses: {200: {description: OK}, '404': {}}",
            """
- {target: "$.responses['200']", update: {x: 1}}
- {target: $.responses, update: {404: {y: 1}, 500: {}}}
""",
            "responses: {'200': {description: OK, x: 1}, '404': {y: 1}, '500': {}}",
        )

    def test_words_of_yaml_1_1_stay_strings(self) -> None:
        found = result("a: {}", "- {target: $.a, update: {b: no, c: on, d: 2020-01-01, e: 010}}")
        assert found == {"a": {"b": "no", "c": "on", "d": "2020-01-01", "e": 10}}

    def test_big_integers_stay_exact(self) -> None:
        check(f"a: {2**80}", f"- {{target: $, update: {{b: {2**70}}}}}", f"a: {2**80}\nb: {2**70}")

    def test_json_overlay_on_yaml(self) -> None:
        text = (
            '{"overlay": "1.1.0", "info": {"title": "t", "version": "1"},'
            ' "actions": [{"target": "$.a", "update": {"b": "\\ud83d\\ude00"}}]}'
        )
        found = apply(parse("a: {}", "base.yaml"), [parse(text, "overlay.json")])
        assert found.document.tree == {"a": {"b": "😀"}}


class TestTargets:
    @pytest.mark.parametrize(
        "target",
        [
            "paths",
            "$.a.@b",
            "$.paths[?(@.x-internal == true)]",
            "$.paths.*~",
            "$.a[?@.b =~ 'c']",
            "$.a[?@.b = 'c']",
            "$.a[(@.length-1)]",
            "$.a[?length(@) = 1]",
            "$.a[",
            "",
            "$.a[?" + "(" * 3000 + "@" + ")" * 3000 + "]",
        ],
    )
    def test_that_are_no_jsonpath(self, target: str) -> None:
        with pytest.raises(InputError, match=r"^overlay.yaml:4: target .* is not a JSONPath"):
            run("a: {}", f"- target: {target!r}\n  remove: true")

    @pytest.mark.parametrize(
        ("target", "left"),
        [
            ("$.paths[?@['x-internal']]", "bc"),
            ("$.paths[?@['x-internal'] == true]", "bc"),
            ("$.paths[?match(@.id, '[ab]')]", "c"),
            ("$.paths[?search(@.id, 'a') || @.n > 1]", "b"),
            ("$.paths[?!@['x-internal'] && length(@.id) == 1]", "a"),
            ("$.paths[?count(@.*) == 3]", "bc"),
            ("$.paths[::2]", "b"),
            ("$.paths[-1]", "ab"),
            ("$..[?@.id == 'b']", "ac"),
            ("$['paths'][0, 2]", "b"),
            ("$.paths[?@.id == $.first]", "bc"),
        ],
    )
    def test_of_rfc_9535(self, target: str, left: str) -> None:
        base = "first: a\npaths: [{id: a, n: 0, x-internal: true}, {id: b, n: 1}, {id: c, n: 2}]"
        found = result(base, f'- target: "{target}"\n  remove: true')
        assert "".join(item["id"] for item in found["paths"]) == left

    def test_that_select_nothing_are_a_warning(self) -> None:
        applied = run("a: 1", "- {target: $.b, update: {}}\n- {target: $, update: {c: 1}}")
        assert applied.warnings == ["overlay.yaml:4: target $.b selects nothing"]
        assert applied.document.tree == {"a": 1, "c": 1}

    def test_that_select_nothing_are_an_error_where_asked(self) -> None:
        base, overlay = parse("a: 1", "b.yaml"), overlay_text("- {target: $.b, update: {}}")
        with pytest.raises(InputError, match=r"^o.yaml:4: target \$.b selects nothing$"):
            apply(base, [parse(overlay, "o.yaml")], strict=True)


class TestOverlayDocuments:
    @pytest.mark.parametrize(
        ("text", "line", "problem"),
        [
            ("- a", 1, "an overlay must be a mapping"),
            ("info: {title: t, version: v}\nactions: [{target: $}]", 1, "'overlay' is missing"),
            ("overlay: 1.1.0\nactions: [{target: $}]", 1, "'info' is missing"),
            ("overlay: 1.1.0\ninfo: {title: t, version: v}", 1, "'actions' is missing"),
            ("overlay: 1.1.0\ninfo:\n  title: t\nactions: []", 2, "'version' is missing"),
            ("overlay: 1.1.0\ninfo: {version: v}\nactions: []", 2, "'title' is missing"),
            ("overlay: 1.1.0\ninfo: {title: t, version: 1.0}\nactions: []", 2, "must be a string"),
            ("overlay: 1.1.0\ninfo: {title: t, version: v}\nactions: []", 3, "at least one"),
            ("overlay: 1.1.0\ninfo: {title: t, version: v}\nactions: {}", 3, "must be a list"),
            ("overlay: 1.1.0\ninfo: {title: t, version: v}\nactions: [x]", 3, "must be a mapping"),
            ("overlay: 1.1\ninfo: {title: t, version: v}\nactions: [{target: $}]", 1, "a string"),
            ("info: {title: t, version: v}\noverlay: 1.2.0\nactions: [{target: $}]", 2, "1.2.0"),
            ("info: {title: t, version: v}\noverlay: '1.1'\nactions: []", 2, "not known"),
            ("overlay: 1.1.0\ninfo: {title: t, version: v}\nx: 1\nactions: []", 3, "'x'"),
            ("overlay: 1.1.0\nextends: 1\ninfo: {title: t, version: v}\nactions: [{target: $}]", 2,
             "extends must be a string"),
        ],
    )  # fmt: skip
    def test_that_are_none(self, text: str, line: int, problem: str) -> None:
        with pytest.raises(InputError) as failure:
            apply(parse("a: 1", "base.yaml"), [parse(text, "overlay.yaml")])
        assert str(failure.value).startswith(f"overlay.yaml:{line}: ")
        assert problem in str(failure.value)

    @pytest.mark.parametrize(
        ("action", "version", "problem"),
        [
            ("{update: {}}", "1.1.0", "'target' is missing"),
            ("{target: 1, update: {}}", "1.1.0", "target must be a string"),
            ("{target: $, remove: 'yes'}", "1.1.0", "remove must be true or false"),
            ("{target: $, remove: yes}", "1.1.0", "remove must be true or false"),
            ("{target: $, updates: {}}", "1.1.0", "'updates' is not known"),
            ("{target: $, description: 1}", "1.1.0", "description must be a string"),
            ("{target: $, copy: {}}", "1.1.0", "copy must be a string"),
            ("{target: $, copy: $}", "1.0.0", "copy needs `overlay: 1.1.0`"),
            ("{target: $, copy: $, update: {}}", "1.1.0", "exclude each other"),
        ],
    )
    def test_actions_that_are_none(self, action: str, version: str, problem: str) -> None:
        with pytest.raises(InputError) as failure:
            run("a: 1", f"- {action}", version)
        assert str(failure.value).startswith("overlay.yaml:4: ")
        assert problem in str(failure.value)

    def test_the_same_action_twice(self) -> None:
        with pytest.raises(InputError, match=r"^overlay.yaml:6: the same action"):
            run("a: 1", "- {target: $, update: {b: 1}}\n- {target: $, update: {b: true}}\n"
                        "- {update: {b: 1.0}, target: $}")  # fmt: skip

    def test_extensions_go_anywhere(self) -> None:
        text = """
overlay: 1.0.7
x-a: 1
info: {title: t, version: v, x-b: 1}
extends: ./base.yaml
actions:
  - {target: $, update: {a: 2}, description: d, x-c: [1]}
"""
        found = apply(parse("a: 1", "base.yaml"), [parse(text, "overlay.yaml")])
        assert found.document.tree == {"a": 2}


class TestPlaces:
    def test_a_node_is_where_it_was_written(self) -> None:
        base = "a:\n  b: 1\n  l:\n    - x\n    - y\n    - z\nc: {}\n"
        found = run(
            base,
            """
- target: $.a.l[0, 1]
  remove: true
- target: $.a
  update:
    b: 2
    l: [w]
    new:
      inner: 1
- target: $.c
  copy: $.a
""",
        ).document
        places = {
            ("a",): "base.yaml:1",
            ("a", "b"): "overlay.yaml:8",
            ("a", "l"): "base.yaml:3",
            ("a", "l", 0): "base.yaml:6",
            ("a", "l", 1): "overlay.yaml:9",
            ("a", "new", "inner"): "overlay.yaml:11",
            ("c",): "base.yaml:7",
            ("c", "new", "inner"): "overlay.yaml:11",
            ("c", "l", 0): "base.yaml:6",
        }
        assert {pointer: str(found.locate(pointer)) for pointer in places} == places

    def test_the_places_of_the_input_stay(self) -> None:
        document = parse("a: {}\nb: 1\n", "base.yaml")
        overlay = parse(overlay_text("- {target: $, update: {a: {x: 1}, b: 2}}"), "overlay.yaml")
        assert str(apply(document, [overlay]).document.locate(("b",))) == "overlay.yaml:4"
        assert str(document.locate(("b",))) == "base.yaml:2"
        assert str(document.locate(("a", "x"))) == "base.yaml:1"
