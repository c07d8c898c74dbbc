//! A client that answers by rule.
