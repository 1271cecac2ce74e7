"""Compose files of other people as data files of Abbey, with everything that could not be carried over named."""
