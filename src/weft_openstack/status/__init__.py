"""Where an operator asks what is bound where, what waits, what failed and why."""
