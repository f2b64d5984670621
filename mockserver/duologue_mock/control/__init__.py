"""Watching and steering a running mock: the request log, and the control API to come."""
