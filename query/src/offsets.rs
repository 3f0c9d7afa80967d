//! Answers by source positions: only the facts at or below a vector of offsets.
//!
//! A fact's position is its own `_partition` and `_offset` in the source of its put,
//! or, where it has none, the positions that its put reached, all of which must lie
//! at or below the vector. A fact with neither is left out and counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use calotype_storage::context::{Context, KnownEntry};
use calotype_storage::manifest::{OFFSET, PARTITION};
use calotype_storage::record::Mode;
use calotype_storage::scan::{RowRef, Scan, Window};

use crate::error::QueryError;

/// How far each partition of each source counts: the epoch and the last offset.
pub type OffsetVector = BTreeMap<(String, String), (u64, i64)>;

/// Selects facts by position.
#[derive(Debug)]
pub(crate) struct OffsetFilter {
    vector: OffsetVector,
    entries: Vec<Arc<KnownEntry>>,
}

impl OffsetFilter {
    pub(crate) fn new(context: &Context, vector: &OffsetVector) -> Result<Self, QueryError> {
        if context.mode() != Mode::Events {
            return Err(QueryError::NoOffsets(context.name().clone()));
        }
        Ok(Self { vector: vector.clone(), entries: context.entries().to_vec() })
    }

    /// How many facts of a scan have no position, and are left out.
    pub(crate) async fn count_without_position(&self, mut scan: Scan) -> Result<u64, QueryError> {
        let mut count = 0;
        while let Some(window) = scan.next().await? {
            count += self.included(&scan, &window).await?.1;
        }
        Ok(count)
    }

    /// The facts of each key that lie at or below the vector, and how many have no position.
    pub(crate) async fn included(
        &self,
        scan: &Scan,
        window: &Window,
    ) -> Result<(Vec<Vec<RowRef>>, u64), QueryError> {
        let rows: Vec<RowRef> = (0..window.len()).flat_map(|key| window.facts(key)).copied().collect();
        let partitions = scan.system_column(window, &rows, PARTITION).await?;
        let offsets = scan.system_column(window, &rows, OFFSET).await?;
        let (partitions, offsets) = (partitions.as_string::<i32>(), offsets.as_primitive::<Int64Type>());
        let mut included = Vec::with_capacity(window.len());
        let (mut place, mut without_position) = (0, 0);
        for key in 0..window.len() {
            let mut facts = Vec::new();
            for row in window.facts(key) {
                let own = (partitions.is_valid(place) && offsets.is_valid(place))
                    .then(|| (partitions.value(place), offsets.value(place)));
                match self.is_included(&self.entries[window.entry(*row).get() as usize], own) {
                    Some(true) => facts.push(*row),
                    Some(false) => {}
                    None => without_position += 1,
                }
                place += 1;
            }
            included.push(facts);
        }
        Ok((included, without_position))
    }

    /// Whether a fact lies at or below the vector; `None` if it has no position.
    fn is_included(&self, entry: &KnownEntry, own: Option<(&str, i64)>) -> Option<bool> {
        let positions = entry.positions();
        let reaches = |source: &str, partition: &str, epoch: u64, offset: i64| {
            let limit = self.vector.get(&(source.to_owned(), partition.to_owned()));
            limit.is_some_and(|(last_epoch, last)| (epoch, offset) <= (*last_epoch, *last))
        };
        match own {
            Some((partition, offset)) => {
                let position = positions.iter().find(|position| position.partition == partition)?;
                Some(reaches(&position.source, partition, position.epoch, offset))
            }
            None if positions.is_empty() => None,
            None => Some(positions.iter().all(|p| reaches(&p.source, &p.partition, p.epoch, p.to))),
        }
    }
}
