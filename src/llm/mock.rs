//! A client that replies from a script, for tests.
