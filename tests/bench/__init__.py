"""The performance harness: what one request costs, as a ratio to a limit measured in the same run."""
