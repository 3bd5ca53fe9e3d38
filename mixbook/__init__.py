"""mixbook."""
