//! Serves a store over gRPC and Arrow Flight, on one port.
//!
//! Reading order: [`settings`] (what can be chosen), [`node`] (what all doors share), [`admission`] and
//! [`transport`] (who gets in, and how much), [`ipc`] (the gate for what comes in, the encoding of what goes
//! out), then the doors: [`grpc`] and [`flight`]; [`serve`] puts it together.

pub mod admission;
pub mod answer;
pub mod caller;
pub mod flight;
pub mod follow;
pub mod grpc;
pub mod intake;
pub mod ipc;
pub mod limits;
pub mod node;
pub mod operations;
pub mod page_token;
pub mod printable;
pub mod serve;
pub mod settings;
#[cfg(feature = "sql")]
pub mod sql;
pub mod status;
pub mod telemetry;
#[cfg(test)]
mod test_mutants;
#[cfg(test)]
mod test_store;
pub mod transport;
pub mod views;

pub use node::Node;
pub use settings::Settings;
