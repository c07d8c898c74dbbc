//! What happens, told to whoever subscribes: events of `tracing`, if the feature of that name is on, else nothing.
//!
//! No event holds a prompt, a reply or a key.

/// Tells an event under the target `svitgen`; without the feature its arguments are not even looked at.
macro_rules! event {
    ($($arguments:tt)*) => {{
        #[cfg(feature = "tracing")]
        tracing::debug!(target: "svitgen", $($arguments)*);
    }};
}
