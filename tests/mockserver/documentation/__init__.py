"""Tests of how the mock describes itself."""
