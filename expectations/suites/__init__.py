"""One module per checked table."""
