//! Measurements of the whole agent. Each file in `benches/` answers one question and prints a table;
//! the figures also go to `target/bench/`.
