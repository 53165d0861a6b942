"""Sources, one module for each kind, read into facts."""
