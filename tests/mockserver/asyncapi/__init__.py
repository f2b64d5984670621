"""Tests of the AsyncAPI document."""
