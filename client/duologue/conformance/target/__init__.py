"""The server under test, and what its responses must look like."""
