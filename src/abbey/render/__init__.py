"""Lab to one file tree per host; pure."""
