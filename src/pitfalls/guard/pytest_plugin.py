"""Pytest fixtures of the guard."""
