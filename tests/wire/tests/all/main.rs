//! Every door of the server.
