"""The recipes of the documentation, each run with the tool that it is for."""
