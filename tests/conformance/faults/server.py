"""`python server.py PORT`: the mock behind the wrapper. `PUT /_fault/NAME` switches the fault."""

from __future__ import annotations

import json
import sys

import uvicorn
from combinations import FAULTS
from variant import CORRECT
from wrapper import Wrapper

from flora_contract.mock import create_app

RUN_SECONDS = 0.25


def main() -> None:
    """Serve, or list the faults as JSON with `--list`."""
    if sys.argv[1] == "--list":
        rows = [{"name": f.name, "class": f.kind, "oracle": f.oracle} for f in FAULTS.values()]
        print(json.dumps(rows))
        return
    wrapper = Wrapper(lambda: create_app(run_seconds=RUN_SECONDS), FAULTS | CORRECT)
    wrapper.switch("sound")
    uvicorn.run(
        wrapper,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        lifespan="off",
        log_level="critical",
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
