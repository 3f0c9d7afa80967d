//! The command line as its users meet it: the built binary on folders of its own.

#[cfg(test)]
#[path = "cli/answers.rs"]
mod answers;
#[cfg(test)]
#[path = "cli/demo.rs"]
mod demo;
#[cfg(test)]
#[path = "cli/desk.rs"]
mod desk;
#[cfg(test)]
#[path = "cli/exit_codes.rs"]
mod exit_codes;
#[cfg(test)]
#[path = "cli/feeds.rs"]
mod feeds;
#[cfg(test)]
#[path = "cli/flows.rs"]
mod flows;
#[cfg(test)]
#[path = "cli/formats.rs"]
mod formats;
#[cfg(test)]
#[path = "cli/intake.rs"]
mod intake;
#[cfg(test)]
#[path = "cli/server.rs"]
mod server;
#[cfg(test)]
#[path = "cli/serving.rs"]
mod serving;
#[cfg(test)]
#[path = "cli/settings.rs"]
mod settings;
#[cfg(test)]
#[path = "cli/sql.rs"]
mod sql;
#[cfg(test)]
#[path = "cli/upkeep.rs"]
mod upkeep;
