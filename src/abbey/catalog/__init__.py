"""One data file per app: what it is, needs, promises and costs."""
