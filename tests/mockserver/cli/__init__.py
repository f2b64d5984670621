"""Tests of `duologue serve`."""
