"""The control API: what steers the namespaces of a running mock, and what watches them."""
