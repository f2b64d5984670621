"""Tests of state, snapshots, presets, the clock and namespaces."""
