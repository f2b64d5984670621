"""Tests of the Socket.IO server."""
