"""Rules: what is wrong with batches, read by ``check`` or passed on by ``watch``. NumPy, but for data sets."""
