"""The metrics API: figures of one host, sampled once per interval however many ask."""
