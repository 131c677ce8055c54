"""The benchmarks' driver: builds the peers, runs everything in turn, and says what came out."""
