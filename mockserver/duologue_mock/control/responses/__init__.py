"""Response definitions: what a stub or a `Prefer` header has the mock send, with its delays and faults."""
