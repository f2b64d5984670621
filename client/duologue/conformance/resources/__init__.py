"""Rules of each resource."""
