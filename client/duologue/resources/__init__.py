"""One method for each operation, a file for each resource."""
