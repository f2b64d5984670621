"""What the mock says of itself: the OpenAPI and the AsyncAPI document, and the page that shows both."""
