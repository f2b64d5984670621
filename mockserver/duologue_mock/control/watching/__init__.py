"""Watching a namespace: the live stream of events, requests that broke the contract, what has been covered."""
