"""Benchmarks of the mock server and of the client, compared with their peers. Start with `README.md`."""
