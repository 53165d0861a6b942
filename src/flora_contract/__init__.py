"""What ships beside the client: the contract, its mock server, its suite and its diff."""
