"""TensorFlow and Keras: with `guard/shapes` their only importer."""
