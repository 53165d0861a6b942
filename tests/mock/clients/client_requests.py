"""requests as it comes."""

import sys
from collections.abc import Iterator
from typing import Any

import requests

base, body = sys.argv[1], sys.argv[2].encode()
session = requests.Session()
session.headers.update({"authorization": "Bearer sk_live_test", "content-type": "application/json"})


def chunks() -> Iterator[bytes]:
    yield body[:10]
    yield body[10:]


def ask(method: str, path: str, data: Any = None, **headers: str) -> int:
    return session.request(method, base + path, data=data, headers=headers, timeout=20).status_code


once = {"idempotency-key": "once"}
print(
    ask("POST", "/generate", body, **once),
    ask("POST", "/generate", body, **once),
    ask("POST", "/generate", chunks()),
    ask("GET", "/generations?limit=1"),
    ask("GET", "/nothing"),
    ask("HEAD", "/generations"),
)
