"""What Keras trains alike on each backend: its models, losses, optimizer and `fit`."""
