"""The API reference for people: OpenAPI with snippets, and the sockets as AsyncAPI."""
