"""State: one door, no HTTP."""
