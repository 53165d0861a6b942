"""What the mock remembers: entities of any kind, in memory or in a database."""
