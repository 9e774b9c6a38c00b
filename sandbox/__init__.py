"""Small servers on loopback that really speak the outside world's protocols, with invented data.

For demonstrations and tests. Nothing here imports Django, and production code imports nothing from
here.
"""
