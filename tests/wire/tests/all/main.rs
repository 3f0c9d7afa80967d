//! Every door of the server.

mod changes;
mod events;
mod many_nodes;
mod places;
mod statements;
