//! Whole-agent tests on the simulated board.
