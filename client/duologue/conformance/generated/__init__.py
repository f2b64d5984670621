"""Requests that Schemathesis generates."""
