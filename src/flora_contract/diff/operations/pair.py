"""Two descriptions of one operation: what everything that compares a part of them stands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flora_contract.diff.operations.lifecycle import Lifecycle
from flora_contract.diff.schemas.usage import Usage

if TYPE_CHECKING:
    from flora_contract.diff.operations.findings import Log, Site
    from flora_contract.diff.operations.lifecycle import Policy
    from flora_contract.diff.rules import Side
    from flora_contract.diff.schemas.usage import Area
    from flora_contract.openapi.tree import Node, Tree


@dataclass(frozen=True)
class OperationNode:
    """An operation of one contract, and the path item it stands in."""

    node: Node
    item: Node
    tree: Tree

    def part(self, name: str) -> Node | None:
        """A field of the operation, its reference followed."""
        node = self.node.get(name)
        return self.tree.resolve(node) if node is not None else None


@dataclass(frozen=True)
class OperationPair:
    """An operation of both contracts, and where to note what differs.

    `called_by_server`: a webhook or callback, where the server sends the request and the
    API's user answers, so that who reads and who writes is the other way round.
    """

    base: OperationNode
    revision: OperationNode
    site: Site
    log: Log
    policy: Policy
    called_by_server: bool = False

    def add(
        self,
        rule_id: str,
        message: str,
        base: Node | None = None,
        revision: Node | None = None,
        *,
        side: Side = "none",
        subject: str = "",
        edit: str = "",
    ) -> None:
        """Note a finding; about the operation as a whole, if no nodes are given."""
        self.log.add(
            rule_id,
            message,
            base or self.base.node.without(),
            revision or self.revision.node.without(),
            self.site,
            side=side,
            subject=subject,
            edit=edit,
        )

    def words(self, base: Node, revision: Node, known: set[str]) -> None:
        """Note what differs in the texts of two objects whose other fields are `known`."""
        self.log.words(base, revision, self.site, known)

    def schema(self, base: Node, revision: Node, usage: Usage, label: str) -> None:
        """Compare the schemas of two parameters or headers. Without one, any value is allowed."""
        one, two = schema_of(base), schema_of(revision)
        if one is not None or two is not None:
            one, two = one or base._replace(value={}), two or revision._replace(value={})
            self.log.schema(one, two, usage, self.site, label)

    @property
    def stability(self) -> str | None:
        """The stability level of the newer operation."""
        level = Lifecycle.of(self.revision.node.value).stability
        return level if isinstance(level, str) else None

    def sent(self, area: Area) -> Usage:
        """How schemas in the request are used."""
        by_server = self.called_by_server
        return Usage("response" if by_server else "request", area, stability=self.stability)

    def answered(self, area: Area) -> Usage:
        """How schemas in the answers are used."""
        by_server = self.called_by_server
        return Usage("request" if by_server else "response", area, stability=self.stability)


def schema_of(node: Node) -> Node | None:
    """The schema of a parameter or a header, whether it has one itself or in its content."""
    schema = node.get("schema")
    content = node.get("content")
    if schema is None and content is not None:
        media = next(iter(content.items()), None)
        schema = media[1].get("schema") if media is not None else None
    return schema


def content_of(node: Node) -> list[str]:
    """The media types under `content` of a parameter or a header; there should be one."""
    content = node.get("content")
    return list(content.mapping()) if content is not None else []
