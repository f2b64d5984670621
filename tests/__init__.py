"""Tests of both halves."""
