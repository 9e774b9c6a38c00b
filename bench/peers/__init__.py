"""What others would build: the servers that ours is measured against."""
