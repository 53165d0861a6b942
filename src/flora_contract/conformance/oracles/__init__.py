"""The oracles, one module a family."""
