"""The only place with effects on hosts."""
