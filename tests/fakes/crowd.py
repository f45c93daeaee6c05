"""Fills fakes with deterministic made-up records."""

from tests.fakes.crowd_fxiaoke import fill_fxiaoke
from tests.fakes.crowd_rest import fill_rest
from tests.fakes.crowd_zoho import fill_zoho

__all__ = ["fill_fxiaoke", "fill_rest", "fill_zoho"]
