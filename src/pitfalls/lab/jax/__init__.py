"""JAX, on the CPU: its only importer. Keras on JAX is trained here too."""
