"""Recommend: which product a customer may want next, and why."""
