//! The command line as its users meet it: the built binary on folders of its own.

#[path = "cli/answers.rs"]
mod answers;
#[path = "cli/demo.rs"]
mod demo;
#[path = "cli/desk.rs"]
mod desk;
#[path = "cli/exit_codes.rs"]
mod exit_codes;
#[path = "cli/feeds.rs"]
mod feeds;
#[path = "cli/flows.rs"]
mod flows;
#[path = "cli/formats.rs"]
mod formats;
#[path = "cli/intake.rs"]
mod intake;
#[path = "cli/upkeep.rs"]
mod upkeep;
