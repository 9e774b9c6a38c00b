"""Jobs and listeners: their health, their leader, the database's outages."""
