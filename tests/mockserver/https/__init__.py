"""Tests of HTTPS."""
