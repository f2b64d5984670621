"""Tests of the mock half alone: its parts as plain objects, then the server by raw sockets and as a process."""
