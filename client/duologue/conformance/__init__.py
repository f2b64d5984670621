"""The contract tests: whether a server keeps the contract, judged by its URLs alone.

    pytest --pyargs duologue.conformance --duologue-url http://localhost:3001

They are ordinary pytest tests, and need the extra `duologue[contract]`.
"""
