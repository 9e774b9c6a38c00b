"""The writes to this app's tables, one module per subject."""
