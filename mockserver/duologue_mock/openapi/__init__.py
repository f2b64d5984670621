"""The OpenAPI document of both services."""
