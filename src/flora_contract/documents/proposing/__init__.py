"""What changed between two versions of a source, and the edits that follow."""
