//! Row groups that answer as they are: nothing lies over them, every row of them holds and asserts. Their keys and periods
//! are not even read; and where a predicate lets no value of them through, nothing of them is.
//!
//! Invariant: a group is whole only if all of its rows hold the one instant that is asked about, so that none of them lies
//! over another, and no row of another source has a key within its span.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_select::filter::filter;

use super::gather::{fit, stored};
use super::{KeyFilter, Scan, Source, ValidFilter, Window};
use crate::error::{Error, reasons};
use crate::key::EncodedKeys;
use crate::manifest::{Group, Manifest, Ops};
use crate::planted::{Bug, is_planted};
use crate::schema::FieldType;
use crate::turn::turn;

/// What a scan comes to next.
#[derive(Debug)]
pub enum Stretch {
    /// Some complete keys with their facts.
    Window(Window),
    /// A row group of which every row is wanted.
    Whole(WholeGroup),
}

/// A row group of which every row is wanted.
#[derive(Debug)]
pub struct WholeGroup {
    manifest: Arc<Manifest>,
    group: usize,
}

impl WholeGroup {
    fn group(&self) -> &Group {
        &self.manifest.groups[self.group]
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.group().rows as usize
    }
}

/// A stretch of values in their comparable form (see [`EncodedKeys`]), from the first on, up to before the second.
pub type ValueRange = (Option<Vec<u8>>, Option<Vec<u8>>);

/// Values of a column of which at least one has to be there.
#[derive(Clone, Debug)]
pub struct ColumnFilter {
    /// The column's place in the schema that is asked for. Its type is one that keys may have.
    pub place: usize,
    /// The stretches.
    pub stretches: Vec<ValueRange>,
}

impl ColumnFilter {
    fn lets(&self, least: &[u8], greatest: &[u8]) -> bool {
        self.stretches.iter().any(|(from, to)| {
            from.as_deref().is_none_or(|from| from <= greatest) && to.as_deref().is_none_or(|to| least < to)
        })
    }
}

/// The least and the greatest value of a stored column, in their comparable form; `None`: it has no value.
pub type Zone = Option<(Box<[u8]>, Box<[u8]>)>;

/// The zone of a stored column.
pub(crate) fn zone(field_type: FieldType, column: &ArrayRef) -> Result<Zone, Error> {
    let stored = FieldType::from_arrow(column.data_type()).unwrap_or(field_type);
    let values = match column.nulls() {
        None => Arc::clone(column),
        Some(nulls) => {
            let present = arrow_array::BooleanArray::new(nulls.inner().clone(), None);
            filter(column, &present).map_err(|error| Error::damaged("a row group", reasons(&error)))?
        }
    };
    let values = EncodedKeys::encode(&[(stored, values)]);
    let least = values.iter().min().map(Box::from);
    Ok(least.zip(values.iter().max().map(Box::from)))
}

impl Scan {
    /// What comes next: a whole row group where one answers as it is, else a window. `filters` are predicates that all
    /// have to hold; whole groups without a fitting value are left out.
    ///
    /// # Errors
    /// [`Error`] if a chunk cannot be read.
    ///
    /// # Panics
    /// Never: the source that is chosen has a group.
    pub async fn next_stretch(&mut self, filters: &[ColumnFilter]) -> Result<Option<Stretch>, Error> {
        while let Some(place) = self.whole() {
            let source = &mut self.sources[place];
            let group = source.groups.pop_front().expect("it was looked at");
            let whole = WholeGroup { manifest: Arc::clone(&source.manifest), group };
            if source.groups.is_empty() {
                self.sources.remove(place);
            }
            if std::mem::replace(&mut self.begun, true) {
                turn().await;
            }
            if self.may_match(&whole, filters).await? {
                return Ok(Some(Stretch::Whole(whole)));
            }
        }
        Ok(self.next().await?.map(Stretch::Window))
    }

    /// Reads some columns of a whole group, by their places in the schema.
    ///
    /// # Errors
    /// As [`Scan::columns`].
    pub async fn whole_columns(&self, whole: &WholeGroup, places: &[usize]) -> Result<Vec<ArrayRef>, Error> {
        let fields: Vec<_> = places.iter().map(|place| self.field(*place)).collect();
        let columns = stored(&self.reader, whole.group(), &fields).await?;
        let fitted = columns.into_iter().zip(fields);
        fitted.map(|(column, (_, field_type))| fit(column, &field_type.to_arrow())).collect()
    }

    /// The source whose next row group answers as it is.
    fn whole(&self) -> Option<usize> {
        let ValidFilter::Holding { first, last } = self.valid else { return None };
        if first != last {
            return None;
        }
        let mut lowest: Option<(usize, &[u8])> = None;
        let mut second: Option<&[u8]> = None;
        for (place, source) in self.sources.iter().enumerate() {
            let Some(key) = source.next_key() else { continue };
            if lowest.is_none_or(|(_, lowest)| key < lowest) {
                second = lowest.replace((place, key)).map(|(_, key)| key);
            } else if second.is_none_or(|second| key < second) {
                second = Some(key);
            }
        }
        let (place, _) = lowest?;
        let source = &self.sources[place];
        if !source.batches.is_empty() {
            return None;
        }
        let group = &source.manifest.groups[*source.groups.front()?];
        let alone = second.is_none_or(|second| group.last_key.as_slice() < second)
            || is_planted(Bug::WholeGroupsOverlap);
        let holds = self.valid.lets_all(group.valid_from.max, group.valid_to.min);
        let wanted = match &self.keys {
            KeyFilter::All => true,
            KeyFilter::Set(_) => false,
            KeyFilter::Range { from, to } => {
                from.as_ref().is_none_or(|from| *from <= group.first_key)
                    && to.as_ref().is_none_or(|to| group.last_key < *to)
            }
        };
        (alone && holds && wanted && group.ops == Ops::Assert).then_some(place)
    }

    async fn may_match(&self, whole: &WholeGroup, filters: &[ColumnFilter]) -> Result<bool, Error> {
        for filter in filters {
            let (id, field_type) = self.field(filter.place);
            let zone = match whole.group().column(id) {
                None => None,
                Some(digest) => self.reader.zone(digest, field_type, whole.group().rows).await?,
            };
            if !zone.is_some_and(|(least, greatest)| filter.lets(&least, &greatest)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Source {
    /// The key of the next row, read or not.
    fn next_key(&self) -> Option<&[u8]> {
        match self.batches.front() {
            Some(batch) => Some(batch.key_at(self.next)),
            None => self.next_group_key(),
        }
    }
}
