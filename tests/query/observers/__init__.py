"""Tests of what observes queries: a `QueryObserver`, and pages."""
