"""The oracles, one module for each role that a statement can have."""
