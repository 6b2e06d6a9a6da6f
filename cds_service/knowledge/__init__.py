"""What the source says, every number with its origin, and the questions that follow from them; pure, no I/O at call time."""
