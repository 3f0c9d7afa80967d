//! Where the facts of statements end: at the next full, or at the next delta that
//! names the key.

use crate::context::Context;
use crate::error::Error;
use crate::identity::Ordinal;
use crate::key::EncodedKeys;
use crate::manifest::{OPEN, Part};
use crate::planted::{Bug, is_planted};
use crate::reader::ChunkReader;
use crate::schema::Schema;
use crate::statement::bound;
use crate::time::ValidTime;

/// For each of some sorted keys, where a fact that begins at a cutoff ends, microseconds.
pub(super) async fn ends(
    reader: &ChunkReader,
    context: &Context,
    schema: &Schema,
    cutoff: ValidTime,
    keys: &EncodedKeys,
) -> Result<Vec<i64>, Error> {
    let next_full = context.cutoffs().next_full(cutoff);
    let mut named: Vec<Option<ValidTime>> = vec![None; keys.len()];
    for (at, delta) in context.cutoffs().deltas_until_next_full(cutoff) {
        if is_planted(Bug::DeltasBoundNothing) {
            break;
        }
        for row in named_rows(reader, context, schema, delta, keys).await? {
            // Cutoffs come in order: the first that names a key is the next.
            named[row].get_or_insert(at);
        }
    }
    let late = i64::from(is_planted(Bug::EndsLate));
    let end = |named| bound(next_full, named).map_or(OPEN, |end| end.micros() + late);
    Ok(named.into_iter().map(end).collect())
}

/// Which of some sorted keys a delta names.
async fn named_rows(
    reader: &ChunkReader,
    context: &Context,
    schema: &Schema,
    delta: Ordinal,
    keys: &EncodedKeys,
) -> Result<Vec<usize>, Error> {
    let mut rows = Vec::new();
    each_named(reader, context, schema, delta, |named| {
        let mut row = keys.lower_bound(named.get(0));
        for key in named.iter() {
            while row < keys.len() && keys.get(row) < key {
                row += 1;
            }
            if row < keys.len() && keys.get(row) == key {
                rows.push(row);
            }
        }
    })
    .await?;
    Ok(rows)
}

/// Walks over the keys that a delta states, a row group at a time.
pub(super) async fn each_named(
    reader: &ChunkReader,
    context: &Context,
    schema: &Schema,
    delta: Ordinal,
    mut each: impl FnMut(&EncodedKeys),
) -> Result<(), Error> {
    let entry = context.entry(delta).expect("the ledger names entries of the context");
    let Some(facts) = entry.facts() else {
        return Ok(());
    };
    let manifest = reader.manifest(facts).await?;
    for group in manifest.groups.iter().filter(|group| group.part == Part::Stated) {
        each(&*reader.keys(schema, group).await?);
    }
    Ok(())
}
