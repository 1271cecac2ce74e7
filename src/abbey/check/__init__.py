"""Rules about a lab that has not been built yet."""
