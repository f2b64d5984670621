"""Matchers of more than plain text: regular expressions, paths, JSON, several values, bodies, operations."""
