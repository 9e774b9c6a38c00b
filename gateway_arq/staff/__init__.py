"""The admin of the house: its site, who may do what, the second factor, the audit trail."""
