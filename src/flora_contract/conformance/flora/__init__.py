"""What is FLORA's alone, and follows from no statement."""
