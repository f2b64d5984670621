"""`duologue mock`: steering a mock that is running, from a shell."""
