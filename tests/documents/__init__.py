"""The OpenAPI and the AsyncAPI document as outside tools read them."""
