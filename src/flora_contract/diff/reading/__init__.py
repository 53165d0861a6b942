"""The two documents, read from files or git, checked, their schemas in one normal form."""
