"""A worker of bench_losses: creates by another vendor's SDK, which repeats what fails as it does.

    python losses_peer.py NAME BASE_URL FIRST COUNT AT_ONCE KEYED

NAME is openai or runwayml. Nothing of ours is imported: it runs in an environment of its own. What
became of each create is a line of JSON.
"""

import importlib
import json
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

name, base_url, first, count, at_once, keyed = sys.argv[1:]
sdk = importlib.import_module(name)
client = {"openai": "OpenAI", "runwayml": "RunwayML"}[name]
api = getattr(sdk, client)(api_key="sk_live_losses", base_url=base_url)


def create(number: int) -> str:
    """Make one, of its own prompt; with a key that its user thought of, if there is to be one."""
    body = {
        "type": "image",
        "model": "t2i-flux-2-pro",
        "prompt": f"prompt {number}",
        "workspace_id": "ws_losses",
        "project_id": "prj_losses",
    }
    headers = {"Idempotency-Key": str(uuid.uuid4())} if keyed == "key" else {}
    try:
        run = api.post("/generate", body=body, cast_to=object, options={"headers": headers})
    except sdk.APIError as error:
        return json.dumps({"number": number, "error": type(error).__name__})
    return json.dumps({"number": number, "run_id": run["run_id"]})


with ThreadPoolExecutor(int(at_once)) as pool:
    for line in pool.map(create, range(int(first), int(first) + int(count))):
        sys.stdout.write(line + "\n")
