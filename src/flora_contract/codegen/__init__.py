"""From an OpenAPI document to a client package: what is read, printed and formatted."""

from flora_contract.codegen.driver import generate

__all__ = ["generate"]
