"""The guard: catches aliased batches and broadcast losses in anybody's code."""
