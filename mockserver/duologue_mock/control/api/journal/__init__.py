"""Endpoints that show what happened: requests and near misses, events, violations, coverage."""
