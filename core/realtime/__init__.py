"""Live events: the log (bus), the hub of sockets, publishing."""
