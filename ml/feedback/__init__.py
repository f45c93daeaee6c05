"""Feedback: what texts feel, and which needs they speak of."""
