"""Reading: files, what they import, what their functions bind and repeat."""
