"""One module for each door in src/."""
