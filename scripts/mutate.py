"""Change src one place at a time, and list the changes that no test notices.

    python scripts/mutate.py [--sample 40] [--seed 0] [PATH…]

Each change is made in a copy of the checkout and given to the tests of its room, until one fails.
The list goes to build/mutations.md. Exit code 1 when more than --allow of 100 changes survive.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "build" / "mutations.md"
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
}  # fmt: skip
TESTS = {"flora_runtime": ["tests/runtime", "tests/client"], "openapi": ["tests/openapi"]}
"""The tests of a room whose folder in tests/ does not have its name."""


@dataclass(frozen=True)
class Mutation:
    path: Path
    line: int
    before: str
    after: str
    text: str
    """The whole file with the change."""


def main() -> int:
    options = parsed()
    paths = [file for path in options.paths for file in sorted(path.resolve().rglob("*.py"))]
    every = [(path, index) for path in paths for index, _ in enumerate(places(path))]
    chosen = random.Random(options.seed).sample(every, min(options.sample, len(every)))  # noqa: S311
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder, "checkout")
        shutil.copytree(ROOT, copied, ignore=shutil.ignore_patterns(".*", "build", "__pycache__"))
        for number, (path, index) in enumerate(chosen, 1):
            mutation = mutated(path, index)
            told = f"{mutation.path}:{mutation.line}: `{mutation.before}` to `{mutation.after}`"
            noticed = is_noticed(mutation, copied, options.timeout)
            print(f"{number}/{len(chosen)} {'' if noticed else 'SURVIVES '}{told}", flush=True)
            survivors += [] if noticed else [told]
    REPORT.parent.mkdir(exist_ok=True)
    lines = [
        f"{len(survivors)} of {len(chosen)} changes (of {len(every)}) survive, seed {options.seed}",
        "",
    ]
    REPORT.write_text(
        "\n".join([*lines, *(f"- {told}" for told in survivors), ""]), encoding="utf-8"
    )
    print(f"{lines[0]}: {REPORT.relative_to(ROOT)}")
    return 1 if 100 * len(survivors) > options.allow * len(chosen) else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("paths", nargs="*", type=Path, default=[ROOT / "src"])
    parser.add_argument("--sample", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--timeout", type=float, default=600, help="seconds for the tests of a change"
    )
    parser.add_argument("--allow", type=float, default=30, help="survivors of 100")
    return parser.parse_args()


def places(path: Path) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Each node of a module that can be changed, and what it becomes."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    for node in waiting:
        changed = changes(node)
        if changed is not None:
            yield node, changed
        if not isinstance(node, ast.JoinedStr):  # Python 3.11 does not know where its parts are
            waiting += ast.iter_child_nodes(node)


def changes(node: ast.AST) -> ast.AST | None:
    """A node that means something else, or None where there is nothing to change."""
    new = copy.deepcopy(node)
    match new:
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            new.ops = [COMPARISONS[type(op)]()]
        case ast.BoolOp():
            new.op = ast.Or() if isinstance(new.op, ast.And) else ast.And()
        case ast.BinOp(left=left, right=right) if type(new.op) in OPERATORS and not (
            isinstance(left, ast.JoinedStr) or isinstance(right, ast.JoinedStr)
        ):
            new.op = OPERATORS[type(new.op)]()
        case ast.UnaryOp(op=ast.Not()):
            return new.operand
        case ast.Constant(value=bool()):
            new.value = not new.value
        case ast.Constant(value=int(number)):
            new.value = number + 1
        case ast.IfExp():
            return ast.IfExp(new.test, new.orelse, new.body)
        case ast.Return(value=ast.expr()) if not isinstance(new.value, ast.Constant):
            new.value = ast.Constant(None)
        case ast.Raise() | ast.Continue() | ast.Break():
            return ast.Pass()
        case _:
            return None
    return new


def mutated(path: Path, index: int) -> Mutation:
    """The change with this number."""
    node, new = list(places(path))[index]
    assert isinstance(node, ast.expr | ast.stmt)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    lines = path.read_bytes().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    whole = path.read_bytes()
    after = ast.unparse(new)
    written = f"({after})" if isinstance(new, ast.expr) else after
    text = whole[:start] + written.encode() + whole[end:]
    before = " ".join(whole[start:end].decode().split())
    return Mutation(path.relative_to(ROOT), node.lineno, before, after, text.decode())


def is_noticed(mutation: Mutation, copied: Path, timeout: float) -> bool:
    """Whether a test of its room fails, or does not end."""
    target = copied / mutation.path
    original = target.read_text(encoding="utf-8")
    target.write_text(mutation.text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "auto", *tests_of(mutation.path)]
    places = os.pathsep.join([str(copied / "src"), str(copied / "generated")])
    environment = {**os.environ, "PYTHONPATH": places}
    try:
        done = subprocess.run(
            command, cwd=copied, env=environment, timeout=timeout, capture_output=True, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    else:
        return done.returncode != 0
    finally:
        target.write_text(original, encoding="utf-8")


def tests_of(path: Path) -> list[str]:
    """The folders of tests/ that test a module of src/."""
    package, room = path.parts[1:3]
    return next(
        (TESTS[name] for name in (package, room) if name in TESTS),
        [f"tests/{room}"]
        if (ROOT / "tests" / room).is_dir()
        else ["tests/openapi", "tests/report"],
    )


if __name__ == "__main__":
    sys.exit(main())
