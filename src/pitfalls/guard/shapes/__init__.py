"""Shapes: what is wrong with a model's losses. It needs Keras on TensorFlow."""
