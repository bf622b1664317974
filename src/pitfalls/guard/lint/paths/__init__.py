"""Paths: follows every path through a function, and says what is written, handed out and waited for."""
