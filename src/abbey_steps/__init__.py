"""Runs the HTTP calls of a post-start step inside a container of the app's network. Reads a program on standard input."""
