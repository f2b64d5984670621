"""Endpoints that steer Socket.IO: channels, messages and their mappings, offline."""
