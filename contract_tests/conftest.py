"""Fixtures and options of the suite."""
