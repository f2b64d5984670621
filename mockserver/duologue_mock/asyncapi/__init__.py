"""The AsyncAPI document of the Socket.IO events."""
