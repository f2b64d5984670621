"""The client against a bad network: every fault is produced on a real socket, nothing is patched."""
