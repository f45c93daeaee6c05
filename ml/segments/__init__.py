"""Segments: RFM scores and the names an analyst uses for them."""
