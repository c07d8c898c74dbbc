//! One file per command.

pub(crate) mod parse;
pub(crate) mod policy;
