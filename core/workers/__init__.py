"""How the workers are: status of every job and listener, outages, leases."""
