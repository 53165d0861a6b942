"""Clients of real documents: no operation fewer than the raw generator has, and typed strictly.

They are not part of this project: FLORA_TEST_DOCUMENTS names a folder that holds some, gzipped.
"""

from __future__ import annotations

import copy
import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError

from flora_contract.codegen import generate
from flora_contract.openapi import Document, load

SIBLING = Path(__file__).parents[3] / "shared" / "data" / "openapi"
FOLDER = Path(os.environ.get("FLORA_TEST_DOCUMENTS", SIBLING))
FILES = sorted(FOLDER.glob("*.gz")) if FOLDER.is_dir() else []
NEWEST = [file for file in FILES if not re.search("-(old|mid)", file.name)]

pytestmark = [
    pytest.mark.skipif(not NEWEST, reason="no documents: set FLORA_TEST_DOCUMENTS"),
    pytest.mark.needs("mypy"),
]


def raw_operations(document: Document) -> int:
    """How many operations openapi-python-client makes of a document by itself; 0 where it fails."""
    config = Config.from_sources(
        ConfigFile(), MetaType.NONE, Path(document.file), "utf-8", overwrite=True, output_path=None
    )
    try:
        data = GeneratorData.from_dict(copy.deepcopy(document.tree), config=config)
    except (ValueError, KeyError):
        return 0
    assert not isinstance(data, GeneratorError)
    found = data.endpoint_collections_by_tag.values()
    return len({(one.method, one.path) for each in found for one in each.endpoints})


@pytest.mark.parametrize("file", NEWEST, ids=lambda file: file.name)
def test_a_real_document_has_a_client(file: Path, tmp_path: Path) -> None:
    source = tmp_path / file.name.removesuffix(".gz")
    source.write_bytes(gzip.decompress(file.read_bytes()))
    document = load(source)
    told = generate(document, tmp_path / "real_client")
    assert all(len(line.splitlines()) == 1 and "object at 0x" not in line for line in told)
    operations = (tmp_path / "real_client" / "operations.py").read_text(encoding="utf-8")
    made = len(re.findall(r"^\w+: \w*Operation\[", operations, re.MULTILINE))
    assert made >= raw_operations(document)
    assert made >= len(list(document.operations())) - len(told)
    for command in (
        ["-c", "import real_client"],
        ["-m", "mypy", "--strict", "--config-file=", "-p"],
    ):
        done = subprocess.run(
            [sys.executable, *command, *(["real_client"] if command[0] == "-m" else [])],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
