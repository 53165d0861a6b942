"""The resources: what the client's attributes are."""
