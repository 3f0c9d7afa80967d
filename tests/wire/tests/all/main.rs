//! Every door of the server.

mod changes;
mod events;
mod places;
mod statements;
