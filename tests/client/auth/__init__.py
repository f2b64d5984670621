"""Tokens, the files that store them, and who is logged in."""
