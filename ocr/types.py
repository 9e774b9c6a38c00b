"""What crosses a border of this app: records, Protocols, errors."""
