"""`api.queries` and `api.mutations`: the query layer for every operation of the contract, and its realtime sync."""
