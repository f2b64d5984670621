"""`api.queries` and `api.mutations`: the query cache bound to the operations of the contract."""
