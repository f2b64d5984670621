"""Tests of `MockControl`."""
