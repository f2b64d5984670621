"""Comparing JSON as JsonUnit does."""
