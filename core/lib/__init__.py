"""Small, tested tools that know no app."""
