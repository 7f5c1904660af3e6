"""The board's firmware as a process of the unix interpreter, a whole system around it, and what happens to it there."""
