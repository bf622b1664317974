"""Shapes: what is wrong with a model's losses."""
