"""Steering a mock from Python: the control API over HTTP, whether the mock is in this process or elsewhere."""
