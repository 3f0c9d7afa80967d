//! Under construction.

#[cfg_attr(not(test), expect(dead_code, reason = "no command uses it yet"))]
mod input;
#[cfg_attr(not(test), expect(dead_code, reason = "no command uses it yet"))]
mod output;

fn main() {}
