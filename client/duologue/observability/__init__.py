"""Watching calls: hooks, monitoring, OpenTelemetry spans, logging, and the redaction of secrets."""
