"""Makes the HTTP calls of a post-start step, inside a container in the app's network. The program is standard input."""
