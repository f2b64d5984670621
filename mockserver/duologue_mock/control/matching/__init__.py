"""Request patterns: which requests they match, how far others are from them, and why."""
