"""What changes in this app's tables, one module per subject."""
