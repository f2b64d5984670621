"""Tests of `duologue mock`."""
