"""Web TV audience: current viewers from the streaming servers, now and compared with yesterday."""
