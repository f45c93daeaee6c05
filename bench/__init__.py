"""Measurements anyone can run: `make bench` prints JSON, each comparison a ratio within the same run."""
