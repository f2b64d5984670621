"""Rules about conditional requests: `ETag`, `If-Match`, `If-None-Match`."""
