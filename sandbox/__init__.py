"""Small servers on loopback that speak the upstreams' real protocols, with invented data.

For demonstrations and tests. Nothing here imports Django, and production code imports nothing from
here.
"""

from typing import Final
from zoneinfo import ZoneInfo

ROME: Final = ZoneInfo("Europe/Rome")
