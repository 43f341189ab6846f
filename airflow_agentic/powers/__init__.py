"""What credentials can really do, asked without doing it."""
