"""How one call becomes HTTP requests, and its responses a result or an error."""
