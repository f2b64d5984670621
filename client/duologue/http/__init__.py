"""How a call is made: from an operation to a request, over the network with retries, and back to a model."""
