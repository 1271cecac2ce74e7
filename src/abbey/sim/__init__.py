"""The two-host lab as processes on this machine, for the demo and the tests."""
