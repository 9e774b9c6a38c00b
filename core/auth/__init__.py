"""Who may ask: API keys, staff sessions, scopes, rate limits."""
