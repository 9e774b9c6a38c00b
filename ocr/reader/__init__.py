"""From a picture to the numbers of the wheels on it. Knows no database and no network."""
