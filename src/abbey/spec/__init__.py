"""abbey.yaml to a frozen Spec: every error at once, each with its place."""
