"""Hand-written ground that generated clients stand on."""
