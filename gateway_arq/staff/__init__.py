"""The admin: its site, permissions, the second factor, the audit trail."""
