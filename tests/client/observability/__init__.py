"""Hooks, logging, monitoring and tracing."""
