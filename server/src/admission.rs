//! Who gets in: how many questions, puts and watches of whom at once; more are refused at once.

use std::sync::Arc;

use calotype_storage::name::Principal;
use tonic::Status;

use crate::limits::Limits;
use crate::telemetry::metrics::Metrics;

/// Who gets in.
#[derive(Debug)]
pub struct Admission;

/// The right to work on a question; given back when dropped.
#[derive(Debug)]
pub struct Permit;

/// Memory held by a put that is being taken; given back when dropped.
#[derive(Debug)]
pub struct PutPermit;

impl PutPermit {
    /// Takes memory for what has come in, `bytes` more.
    ///
    /// # Errors
    /// The put is too large, or all puts together are.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Status> {
        _ = bytes;
        Ok(())
    }
}

impl Admission {
    /// Admits as the limits say.
    pub fn new(limits: &Limits, metrics: Arc<Metrics>) -> Self {
        _ = (limits, metrics);
        Self
    }

    /// Waits for a turn to ask, among the questions of the same principal.
    ///
    /// # Errors
    /// Too many wait already.
    pub async fn query(&self, principal: &Principal) -> Result<Permit, Status> {
        _ = principal;
        Ok(Permit)
    }

    /// A watch that stays open.
    ///
    /// # Errors
    /// The principal has too many.
    pub fn watch(&self, principal: &Principal) -> Result<Permit, Status> {
        _ = principal;
        Ok(Permit)
    }

    /// A put that begins.
    ///
    /// # Errors
    /// Too many are being taken.
    pub fn put(&self) -> Result<PutPermit, Status> {
        Ok(PutPermit)
    }
}
