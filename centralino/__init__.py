"""The PBX: Asterisk's channels as they change, finished calls, and who may ring."""
