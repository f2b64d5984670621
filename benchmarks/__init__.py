"""How fast and how heavy the mock server is, measured beside its peers. Start with `README.md`."""
