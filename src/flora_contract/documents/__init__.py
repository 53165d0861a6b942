"""The pages that the contract is transcribed from, as facts, and the contract held to them."""
