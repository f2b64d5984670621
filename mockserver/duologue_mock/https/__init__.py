"""HTTPS: certificates, and the server that speaks TLS."""
