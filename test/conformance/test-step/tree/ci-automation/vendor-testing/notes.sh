# Not executable, so no vendor script.
