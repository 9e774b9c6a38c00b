"""What is read from this app's tables, one module per subject."""
