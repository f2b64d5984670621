"""Hypothesis strategies for mappings, and for requests that come near them."""
