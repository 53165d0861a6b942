"""Our oracles inside a plain schemathesis run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

CONTRACT = Path(__file__).parents[2] / "openapi.yaml"


def test_schemathesis_fails_with_what_an_oracle_says(server: Any, tmp_path: Path) -> None:
    server.switch("cut:shows:createGenerationRun.poll_url@always")
    done = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis",
            *("run", CONTRACT, "--url", server.base_url, "--phases", "examples", "--seed", "1"),
            *("--checks", "flora_contract", "-H", "Authorization: Bearer sk_live_test"),
            *("--include-path", "/runs/generation", "--generation-database", "none"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "flora_contract.conformance.hooks"},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "link-to-itself on createGenerationRun" in done.stdout
    assert "sk_live_test" not in done.stdout
