"""What stands between the network and Django: connections, bodies, threads (decision 24)."""
