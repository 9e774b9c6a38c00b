"""The reads of this app's tables, one module per subject."""
