"""What the changes ask of a release: its version, what was accepted, what clients notice."""
