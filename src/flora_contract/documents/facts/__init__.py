"""What a fact is, and the facts that are stored beside this."""
