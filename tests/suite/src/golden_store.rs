//! The golden store: a story told the same, to the byte, at every run of the
//! generator; questions about it; and answers that any reader can compare.

pub mod files;
pub mod invalid;
pub mod print;
pub mod questions;
pub mod story;
