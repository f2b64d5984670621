"""Steering and watching Socket.IO: channels, sending, the journal of messages, and what becomes of messages."""
