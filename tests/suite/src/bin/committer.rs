//! A process that commits in a loop and prints a receipt for each put, to be killed at
//! any instant: `committer STORE STATE WRITER FIRST`.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use calotype_storage::backend::Backend;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use calotype_storage::evaluate::Proposal;
use calotype_suite::committer::{creation, put};
use futures::executor::block_on;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, state, writer, first] = arguments.as_slice() else {
        anyhow::bail!("committer STORE STATE WRITER FIRST");
    };
    let (writer, first): (u32, u32) = (writer.parse()?, first.parse()?);
    let options = OpenOptions::new(Access::Create, StateFolder::Under(state.into()));
    let backend = Backend::local(Path::new(store), true)?;
    let database = block_on(Database::open(backend, options)).context("opening")?;
    commit(&database, creation())?;
    let mut out = std::io::stdout().lock();
    for number in first.. {
        let receipt = commit(&database, put(writer, number))?;
        let line = format!(
            "{writer} {number} {} {} {}\n",
            receipt.id,
            receipt.record_hash,
            receipt.system_time.micros()
        );
        // One write: a line is whole, or its process died before it ended.
        out.write_all(line.as_bytes())?;
        out.flush()?;
    }
    Ok(())
}

fn commit(database: &Database, proposal: Proposal) -> anyhow::Result<calotype_storage::commit::Receipt> {
    Ok(block_on(database.commit(proposal))?)
}
