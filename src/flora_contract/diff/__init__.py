"""Two OpenAPI documents -> what changed, whom it breaks, which version comes next."""
