"""AutoBOT: the Lotto draw read off the live stream. Not built yet."""
