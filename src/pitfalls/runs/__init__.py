"""A run's folder: who works on it, and what is kept there beside its result."""
