"""Churn: the probability of no purchase within the horizon."""
