"""`python judge.py ORIGIN FAULT…`: what the suite of a copy finds first with each fault.

Prints a JSON object: the findings by fault.
"""

from __future__ import annotations

import json
import sys

import httpx

from flora_contract.conformance.plan import plan
from flora_contract.conformance.run import Check, load
from flora_contract.conformance.settings import gather

OPERATIONS = ("Board", "Boards", "Render", "renderHistory", "Inks")


def main(origin: str, *faults: str) -> None:
    settings = gather(
        {"base_url": f"{origin}/api/v1", "max_wait": 4.0, "timeout": 3.0, "fail_fast": True}
    )
    behaviour = load(settings.base_url)
    # Those of the new operations first: nothing else is wrong.
    steps = sorted(plan(behaviour), key=lambda step: not step.name.endswith(OPERATIONS))
    found = {}
    for fault in faults:
        httpx.put(f"{origin}/_fault/{fault}").raise_for_status()
        with Check(settings, behaviour) as check:
            check.run(steps)
        found[fault] = [finding.title for finding in check.judge.findings()]
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
