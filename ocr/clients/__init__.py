"""The only places of this app that open a socket; every failure becomes one error of `types`."""
