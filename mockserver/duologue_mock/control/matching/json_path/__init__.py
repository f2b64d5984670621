"""JSONPath as Jayway's library for Java has it, which WireMock uses; within a budget."""
