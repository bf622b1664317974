"""Memory: what a name can stand for, which arrays are alive, and who holds them."""
