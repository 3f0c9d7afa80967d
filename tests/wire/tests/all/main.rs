//! Every door of the server.

mod cancels;
mod changes;
mod claims;
mod events;
mod faults;
mod many_nodes;
mod places;
mod planted;
mod statements;
