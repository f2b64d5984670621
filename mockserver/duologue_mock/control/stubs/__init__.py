"""Stubs: what a namespace responds to the requests that match a pattern, in place of the mock's own response."""
