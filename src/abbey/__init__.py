"""Abbey: one file describes a self-hosted lab on several machines, and makes it true."""
