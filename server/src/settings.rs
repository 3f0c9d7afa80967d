//! What can be chosen.

/// All that can be chosen.
#[derive(Clone, Debug, Default)]
pub struct Settings;
