"""What differs between two schemas, and in those within them."""
