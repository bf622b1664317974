"""PyTorch, on the CPU: its only importer. Keras on PyTorch is trained here too."""
