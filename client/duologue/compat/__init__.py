"""The helper classes of the two API specifications, under the specifications' names: a file for each group of them."""
