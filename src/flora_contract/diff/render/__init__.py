"""What a comparison looks like: to people, and to machines."""
