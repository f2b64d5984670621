"""Who the client is: tokens and where they are stored, API keys, the anonymous user id, and authorization checks."""
