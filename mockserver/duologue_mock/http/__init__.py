"""From the socket to a handler and back: the HTTP server, routing, CORS, authentication, limits and parsing."""
