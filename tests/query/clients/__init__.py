"""`QueryClient`: keys, filters, bound queries, and what is forgotten."""
