"""Where calls go: the servers of a contract, of a path or of an operation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flora_contract.diff.operations.by_name import fields

if TYPE_CHECKING:
    from flora_contract.diff.operations.findings import Log, Site
    from flora_contract.openapi.tree import Node

_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_PREFIX = "api-server-variable"


def names_servers(holder: Node) -> bool:
    """Whether a node says itself where calls go."""
    listed = holder.get("servers")
    return listed is not None and bool(listed.list())


def _plainly(url: str) -> str:
    """A URL as it is compared: hosts have no case, and a slash at the end says nothing."""
    shown = _HOST.sub(lambda found: found[0].lower(), url, count=1) if "{" not in url else url
    return shown.rstrip("/") or "/"


def _servers(holder: Node) -> dict[str, tuple[str, Node]]:
    """Servers by their URL as it is compared, each with its URL as it is written."""
    if not names_servers(holder):
        return {"/": ("/", holder)} if not holder.pointer else {}
    written = {str(one.mapping().get("url")): one for one in holder.child("servers").each()}
    return {_plainly(url): (url, one) for url, one in written.items()}


@dataclass(frozen=True)
class ServerDiff:
    """Compares the servers of two nodes."""

    base: Node
    revision: Node
    site: Site
    log: Log

    def run(self) -> None:
        """Note which servers came and went, and what differs in their variables."""
        old, new = _servers(self.base), _servers(self.revision)
        gone = [url for url in old if url not in new]
        added = [url for url in new if url not in old]
        if len(gone) == len(added) == 1:
            (was, one), (now, two) = old[gone[0]], new[added[0]]
            self._add("api-server-url-changed", f"server {was} to {now}", one, two)
            gone, added = [], []
        for key in gone:
            url, one = old[key]
            self._add("api-server-removed", f"server {url} removed", one, self.revision, url)
        for key in added:
            url, two = new[key]
            self._add("api-server-added", f"server {url} added", self.base, two, url)
        for key in old.keys() & new.keys():
            (url, one), (_, two) = old[key], new[key]
            if "url" in one.value and "url" in two.value:
                self.log.words(one, two, self.site, {"url", "variables"})
                self._variables(url, one, two)

    def _add(self, rule_id: str, message: str, base: Node, revision: Node, about: Any = "") -> None:
        self.log.add(rule_id, message, base, revision, self.site, subject=str(about))

    def _variables(self, url: str, base: Node, revision: Node) -> None:
        for name, one, two in fields(base, revision, "variables"):
            label = f"server {url}, variable {name}"
            if one is not None and two is not None:
                self._variable(label, one, two)
            else:
                verb = "added" if one is None else "removed"
                self._add(f"{_PREFIX}-{verb}", f"{label} {verb}", one or base, two or revision)

    def _variable(self, label: str, base: Node, revision: Node) -> None:
        was, now = base.mapping().get("default"), revision.mapping().get("default")
        if was != now:
            message = f"{label}: default {was} to {now}"
            self._add(f"{_PREFIX}-default-changed", message, base, revision)
        values = base.value.get("enum") or [], revision.value.get("enum") or []
        for value in values[0]:
            if value not in values[1] and values[1]:
                message = f"{label}: value {value} removed"
                self._add(f"{_PREFIX}-enum-value-removed", message, base, revision, value)
        if values[1] and not values[0]:
            message = f"{label}: limited to {', '.join(map(str, values[1]))}"
            self._add(f"{_PREFIX}-enum-value-removed", message, base, revision)
        for value in values[1] if values[0] else ():
            if value not in values[0]:
                message = f"{label}: value {value} added"
                self._add(f"{_PREFIX}-enum-value-added", message, base, revision, value)
        self.log.words(base, revision, self.site, {"default", "enum"})
