"""The contract and its statements, as a test reads them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flora_contract import shipped
from flora_contract.openapi.behaviour import Behaviour
from flora_contract.openapi.contract import Contract

if TYPE_CHECKING:
    from flora_contract.openapi.document import Document


@cache
def _document(*overlays: str) -> Document:
    return shipped.contract(*overlays)


@cache
def load(base_url: str | None = None) -> Behaviour:
    """The statements of the shipped contract below a base URL: by default wherever it stands.

    One object for each, which nobody changes.
    """
    base = urlsplit(base_url).path if base_url is not None else None
    tolerant = Contract(_document("behaviour", "conformance"), base)
    return Behaviour(tolerant, written=Contract(_document("behaviour"), base))
