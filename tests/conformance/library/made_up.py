"""A small server of the made-up API, which keeps its contract until a fault is switched on."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flora_contract.openapi import load
from flora_contract.openapi.behaviour import Behaviour
from flora_contract.openapi.contract import Contract

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENT = Path(__file__).with_name("api.yaml")
BASE = "/v2"
KEYS = {"Bearer key-of-ann": "ann", "Bearer key-of-bob": "bob", "Bearer key-of-poor": "poor"}
COLOURS = [{"name": "red", "warm": True}, {"name": "blue", "warm": False}]
PHASES = ("queued", "reading", "checking")

Answer = tuple[int, Any]


def behaviour(base: str = BASE) -> Behaviour:
    """The statements of the made-up API."""
    return Behaviour(Contract(load(DOCUMENT), base))


class Refused(Exception):  # noqa: N818 - it is an answer
    def __init__(self, status: int, code: str, *fields: str) -> None:
        super().__init__(code)
        self.status = status
        entries = [{"field": field, "message": "is wrong"} for field in fields]
        error: dict[str, Any] = {"code": code, "message": f"It is {code}."}
        self.body = {"error": error | ({"fields": entries} if entries else {})}


class Library:
    """All that is kept, and the answers. `fault` names what is wrong with it, if anything."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.contract = behaviour().contract
        self.numbers = count(101)
        self.shelves: dict[str, dict[str, Any]] = {}
        self.books: dict[str, dict[str, Any]] = {}
        self.scans: dict[str, dict[str, Any]] = {}
        self.named: dict[tuple[str, str], dict[str, Any]] = {}
        self.looks: dict[str, int] = {}
        self.complaints = 0

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        try:
            return self._answer(method, target, headers, body)
        except Refused as refused:
            return refused.status, refused.body

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(target)
        endpoint, path = self.contract.match(method, parts.path)
        if endpoint is None:
            raise Refused(404, "missing")
        key = headers.get("authorization")
        account = KEYS.get(key or "")
        if account is None and self._is("no key needed") and key is None:
            account = "ann"
        if account is None and self._is("any key will do") and key is not None:
            account = "ann"
        if (
            account is None
            and self._is("books open to wrong keys")
            and path.get("bookId") in self.books
        ):
            account = "ann"
        if account is None:
            raise Refused(401, "no_key")
        query = endpoint.read_query(parts.query).values
        wrong = endpoint.parameter_breaches({**path, **query})
        sent: Any = None
        if endpoint.takes_body:
            try:
                sent = json.loads(body)
            except ValueError:
                raise Refused(422, "invalid") from None
            wrong = [*endpoint.body_breaches(sent), *wrong]
        if self._is("validation off"):
            wrong = [b for b in wrong if b.keyword in {"type", "required", "null"}]
        if wrong:
            raise Refused(422, "invalid", *(b.name for b in wrong if b.name))
        handler: Callable[..., Answer] = getattr(self, endpoint.id)
        return handler(account, path, query, sent, headers)

    def _is(self, fault: str) -> bool:
        return self.fault == fault

    # Colours and shelves

    def listColours(self, _who: str, _path: Any, query: Any, *_: Any) -> Answer:  # noqa: N802
        warm = None if self._is("colour filter ignored") else query.get("warm")
        return 200, {"colours": [c for c in COLOURS if warm in {None, c["warm"]}]}

    def createShelf(self, who: str, _path: Any, _query: Any, sent: Any, _h: Any) -> Answer:  # noqa: N802
        self._colour(sent)
        number = next(self.numbers)
        prefix = "shelf-" if self._is("prefix wrong") else "shf_"
        shelf = {
            "id": f"{prefix}{number}x" if not self._is("same id twice") else "shf_1",
            "serial": number,
            "createdAt": _date(number),
            "who": who,
        }
        self.shelves[shelf["id"]] = shelf
        self._fill(shelf, sent)
        if self._is("echo wrong"):
            return 201, _shelf(shelf) | {"title": "Another"}
        return 201, _shelf(shelf)

    def _colour(self, sent: Any) -> None:
        known = {c["name"] for c in COLOURS}
        if sent.get("colour") not in known | {None} and not self._is("unknown reference taken"):
            raise Refused(422, "invalid", "colour")

    @staticmethod
    def _fill(shelf: dict[str, Any], sent: Any) -> None:
        shelf.update(title=sent["title"], paint=sent.get("colour"))

    def _own(self, kept: dict[str, dict[str, Any]], id_: str, who: str) -> dict[str, Any]:
        found = kept.get(id_)
        if found is None and self._is("near ids read"):
            found = next((v for k, v in kept.items() if k.lower() == id_.lower()), None)
        foreign = found is not None and found["who"] != who
        if foreign and self._is("foreign resource readable"):
            return found  # type: ignore[return-value]
        if found is None and self._is("unknown id answered 200") and kept:
            return next(iter(kept.values()))
        if found is None or foreign or (found.get("gone") and not self._is("deleted readable")):
            raise Refused(404, "missing")
        return found

    def getShelf(self, who: str, path: Any, *_: Any) -> Answer:  # noqa: N802
        shelf = _shelf(self._own(self.shelves, path["shelfId"], who))
        looks = self.looks[shelf["id"]] = self.looks.get(shelf["id"], 0) + 1
        if self._is("constant changes"):
            shelf["serial"] += looks
        if self._is("id of another"):
            shelf["id"] = "shf_0"
        return 200, shelf

    def renameShelf(self, who: str, path: Any, _query: Any, sent: Any, _h: Any) -> Answer:  # noqa: N802
        shelf = self._own(self.shelves, path["shelfId"], who)
        if self._is("refused but changed") and sent.get("colour") is not None:
            self._fill(shelf, sent)
        self._colour(sent)
        if not self._is("update lost"):
            self._fill(shelf, sent)
        return 200, _shelf(shelf) | {"title": sent["title"]}

    def dustShelf(self, who: str, path: Any, *_: Any) -> Answer:  # noqa: N802
        shelf = self._own(self.shelves, path["shelfId"], who)
        if self._is("act answers another"):
            return 200, _shelf(shelf) | {"id": "shf_0"}
        return 200, _shelf(shelf)

    def complain(self, *_: Any) -> Answer:
        self.complaints += 1
        return 201, None

    def deleteShelf(self, who: str, path: Any, *_: Any) -> Answer:  # noqa: N802
        self._own(self.shelves, path["shelfId"], who)["gone"] = True
        return 204, None

    def listShelves(self, who: str, _path: Any, query: Any, *_: Any) -> Answer:  # noqa: N802
        found = [s for s in self.shelves.values() if s["who"] == who]
        if self._is("foreign items listed"):
            found = list(self.shelves.values())
        if not self._is("deleted listed"):
            found = [s for s in found if not s.get("gone")]
        if "title" in query:
            found = [s for s in found if query["title"] in s["title"]]
        if "paint" in query and not self._is("filter ignored"):
            found = [s for s in found if s["paint"] == query["paint"]]
        if "paint" in query and self._is("filter too strict"):
            found = found[1:]
        if self._is("order wrong"):
            found.reverse()
        size = query.get("count", 10) + self._is("size ignored") * 5
        start = query.get("skip", 0)
        shown = found[start + (start > 0 and self._is("page skipped")) :][:size]
        if self._is("row doubled") and shown:
            shown = [*shown, shown[-1]][: max(size, 2)]
        if self._is("offset ignored"):
            shown = found[:size]
        total = 0 if self._is("total wrong") else len(found)
        return 200, {"found": [_shelf(s) for s in shown], "total": total}

    # Books

    def _shelf_of(self, who: str, path: Any) -> dict[str, Any]:
        return self._own(self.shelves, path["shelfId"], who)

    def addBook(self, who: str, path: Any, _query: Any, sent: Any, headers: Any) -> Answer:  # noqa: N802
        self._shelf_of(who, path)
        name = headers.get("request-name")
        if name is not None and self._is("key for each language"):
            name += sent["language"]
        if name is not None and self._is("key in any case"):
            name = name.lower()
        if self._is("key kept for five") and len(self.named) > 5:
            self.named.pop(next(iter(self.named)))
        if name is not None and (who, name) in self.named:
            return 201, _book(self.named[who, name])
        number = next(self.numbers)
        book = {"id": f"book{number}x", "at": number, "changed": number, "who": who,
                "shelf": path["shelfId"], **sent}  # fmt: skip
        self.books[book["id"]] = book
        if name is not None and not self._is("key ignored"):
            self.named["*" if self._is("key shared") else who, name] = book
            if self._is("key shared"):
                self.named["ann", name] = self.named["bob", name] = book
        return 201, _book(book)

    def _book_of(self, who: str, path: Any) -> dict[str, Any]:
        self._shelf_of(who, path)
        book = self._own(self.books, path["bookId"], who)
        if book["shelf"] != path["shelfId"] and not self._is("parent ignored"):
            raise Refused(404, "missing")
        return book

    def getBook(self, who: str, path: Any, *_: Any) -> Answer:  # noqa: N802
        return 200, _book(self._book_of(who, path))

    def changeBook(self, who: str, path: Any, _query: Any, sent: Any, _h: Any) -> Answer:  # noqa: N802
        book = self._book_of(who, path)
        if not self._is("patch lost"):
            book.update(sent, changed=next(self.numbers))
        if self._is("patch forgets the rest") and "title" not in sent:
            book["title"] = "Untitled"
        if self._is("changed goes back"):
            book["changed"] = book["at"] - 1
        return 200, _book(book)

    def dropBook(self, who: str, path: Any, *_: Any) -> Answer:  # noqa: N802
        book = self._book_of(who, path)
        book["gone"] = True
        return 204, None

    def listBooks(self, who: str, path: Any, query: Any, *_: Any) -> Answer:  # noqa: N802
        shelf = self._shelf_of(who, path)
        found = [b for b in self.books.values() if b["shelf"] == shelf["id"] and not b.get("gone")]
        if self._is("books of all shelves"):
            found = [b for b in self.books.values() if b["who"] == who and not b.get("gone")]
        found.sort(key=lambda b: -b["at"])
        if "language" in query:
            found = [b for b in found if b["language"] == query["language"]]
        if "tag" in query:
            kept = [b for b in found if query["tag"] in b.get("tags", ())]
            found = found if self._is("tag ignored") else kept
        if "secret" in query and not self._is("hidden filter ignored"):
            found = [b for b in found if b.get("secret") == query["secret"]]
        start = self._start(query.get("after"))
        size = query.get("most", 4)
        shown = found[start : start + size]
        following = start + size
        if self._is("cursor stands still"):
            following = start
        more = following < len(found)
        after = base64.urlsafe_b64encode(f"after {following}".encode()).decode() if more else None
        if self._is("cursor missing too early"):
            after = None
        return 200, {"page": {"books": [_book(b) for b in shown], "next": after}}

    @staticmethod
    def _start(after: str | None) -> int:
        if after is None:
            return 0
        try:
            word, number = base64.urlsafe_b64decode(after.encode()).decode().split()
        except ValueError:
            raise Refused(422, "invalid", "after") from None
        if word != "after" or not number.isdecimal():
            raise Refused(422, "invalid", "after")
        return int(number)

    # Scans

    def startScan(self, who: str, _path: Any, _query: Any, sent: Any, _h: Any) -> Answer:  # noqa: N802
        shelf = self.shelves.get(sent["shelf"])
        lax = self._is("foreign shelf scanned by the other") and who == "bob"
        if shelf is None or (shelf["who"] != who and not lax) or shelf.get("gone"):
            raise Refused(422, "invalid", "shelf")
        if who == "poor" and not self._is("no credits needed"):
            raise Refused(402, "poor")
        scan = {"id": f"scan-{next(self.numbers)}x", "who": who, "at": time.time(),
                "number": len(self.scans), **sent}  # fmt: skip
        self.scans[scan["id"]] = scan
        return 202, self._scan(scan)

    def getScan(self, who: str, path: Any, *_: Any) -> Answer:  # noqa: N802
        scan = self._own(self.scans, path["scanId"], who)
        return 200, self._scan(scan, looked=True)

    def listScans(self, who: str, _path: Any, query: Any, *_: Any) -> Answer:  # noqa: N802
        found = [self._scan(s) for s in self.scans.values() if s["who"] == who]
        if self._is("made ones unlisted"):
            found = found[1:]
        wanted = query.get("phase")
        if self._is("nothing found shows all") and all(s["phase"] != wanted for s in found):
            wanted = None
        return 200, {"scans": [s for s in found if wanted in {None, s["phase"]}]}

    def _scan(self, scan: dict[str, Any], *, looked: bool = False) -> dict[str, Any]:
        looks = self.looks[scan["id"]] = self.looks.get(scan["id"], 0) + looked
        step = looks // 2  # it moves when it is looked at, so that no test hangs on a clock
        if self._is("never ends"):
            step = min(step, 1)
        final = ("done", "torn", "done", "dropped")[scan["number"] % 4]
        phase = PHASES[step] if step < 3 else final
        ended = step >= 3
        if self._is("state moves back") and phase == "checking" and looks % 2:
            phase = "reading"
        if self._is("final state left") and ended and looks % 2:
            phase = "done" if phase != "done" else "torn"
        at = int(scan["at"] * 1000)
        if step:
            scan.setdefault("readAt", int(time.time() * 1000))
        shown: dict[str, Any] = {
            "scanId": scan["id"],
            "phase": phase,
            "shelfId": scan["shelf"],
            "note": scan.get("note"),
            "queuedAt": at,
            "readAt": scan["readAt"] if step else None,
            "seen": min(step, 3) * 10,
            "pages": 7 if phase == "done" else None,
            "reason": "wet" if phase in {"torn", "dropped"} else None,
            "price": 0.01,
        }
        shown |= self._spoilt(shown, looks, ended=ended)
        return shown

    def _spoilt(self, shown: dict[str, Any], looks: int, *, ended: bool) -> dict[str, Any]:
        faults: dict[str, dict[str, Any]] = {
            "cost changing": {"price": 0.01 + looks},
            "final changing": {"pages": looks} if shown["pages"] else {},
            "member before its state": {"reason": "wet"} if not ended else {},
            "member missing in its state": {"pages": None},
            "times out of order": {"readAt": 5} if shown["readAt"] else {},
            "times moving": {"queuedAt": shown["queuedAt"] - looks},
            "clock stands still": {"queuedAt": 1_750_000_000_000},
            "growing backwards": {"seen": 30 - looks} if not ended else {},
        }
        return faults.get(self.fault, {})


def _shelf(shelf: dict[str, Any]) -> dict[str, Any]:
    return {k: shelf[k] for k in ("id", "title", "paint", "serial", "createdAt")}


def _book(book: dict[str, Any]) -> dict[str, Any]:
    meta = {"id": book["id"], "createdAt": book["at"], "changedAt": book["changed"]}
    return {"meta": meta, "tags": book.get("tags", [])} | {
        k: book[k] for k in ("title", "language")
    }


def _date(number: int) -> str:
    return datetime.fromtimestamp(number, UTC).isoformat()
