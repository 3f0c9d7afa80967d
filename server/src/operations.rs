//! Work that takes longer than a request should: started, looked at, cancelled.

/// Operations of this server.
#[derive(Debug)]
pub struct Operations;

impl Operations {
    /// None yet; at most `running_max` run at once.
    pub fn new(running_max: usize) -> Self {
        _ = running_max;
        Self
    }
}
