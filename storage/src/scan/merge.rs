//! Merging sorted sources by key: pure, over what has been read.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{RowRef, Source, Window};

/// Takes all rows below `bound` from the sources, in the order of their keys; facts of one key in
/// the order of the sources.
pub(super) fn merge(sources: &mut [Source], bound: Option<&[u8]>) -> Window {
    let mut merger = Merger { window: Window::default(), places: BTreeMap::new() };
    while let Some(lowest) = lowest(sources, bound) {
        match lowest {
            Lowest::One { source, until } => {
                merger.take_stretch(&mut sources[source], until.as_deref());
            }
            Lowest::Several(key) => {
                merger.start_key();
                for source in sources.iter_mut() {
                    merger.take_key(source, &key);
                }
            }
        }
    }
    let end = merger.window.rows.len();
    if end > 0 {
        merger.window.starts.push(u32::try_from(end).expect("a window is bounded by its row groups"));
    }
    merger.window
}

/// Which source goes on.
enum Lowest {
    /// One alone has the lowest key, and goes on until another's key.
    One { source: usize, until: Option<Vec<u8>> },
    /// Several have the lowest key.
    Several(Vec<u8>),
}

fn lowest(sources: &[Source], bound: Option<&[u8]>) -> Option<Lowest> {
    let mut best: Option<(usize, &[u8])> = None;
    let mut second: Option<&[u8]> = bound;
    let mut tied = false;
    for (place, source) in sources.iter().enumerate() {
        let Some(key) = source.peek() else { continue };
        if bound.is_some_and(|bound| key >= bound) {
            continue;
        }
        match best.map(|(_, best)| key.cmp(best)) {
            None => best = Some((place, key)),
            Some(Ordering::Less) => {
                let (_, former) = best.replace((place, key)).expect("there was one");
                second = Some(former);
                tied = false;
            }
            Some(Ordering::Equal) => tied = true,
            Some(Ordering::Greater) => {
                if second.is_none_or(|second| key < second) {
                    second = Some(key);
                }
            }
        }
    }
    let (source, key) = best?;
    Some(if tied {
        Lowest::Several(key.to_vec())
    } else {
        Lowest::One { source, until: second.map(<[u8]>::to_vec) }
    })
}

struct Merger {
    window: Window,
    /// Where a batch stands in the window, by its address.
    places: BTreeMap<usize, u32>,
}

impl Merger {
    fn start_key(&mut self) {
        let start = u32::try_from(self.window.rows.len()).expect("a window is bounded by its row groups");
        self.window.starts.push(start);
    }

    fn place(&mut self, source: &Source) -> u32 {
        let batch = source.batches.front().expect("the source has a row");
        let address = Arc::as_ptr(batch).addr();
        *self.places.entry(address).or_insert_with(|| {
            self.window.batches.push(Arc::clone(batch));
            u32::try_from(self.window.batches.len() - 1).expect("few batches make a window")
        })
    }

    /// Takes the rows of one key.
    fn take_key(&mut self, source: &mut Source, key: &[u8]) {
        while source.peek() == Some(key) {
            let batch = self.place(source);
            let row = source.pop();
            self.window.rows.push(RowRef { batch, row });
        }
    }

    /// Takes rows while their keys are below another's.
    fn take_stretch(&mut self, source: &mut Source, until: Option<&[u8]>) {
        let mut last: Option<Vec<u8>> = None;
        while let Some(batch) = source.batches.front().cloned() {
            let place = self.place(source);
            let rows = batch.rows();
            let first = source.next;
            let mut next = first;
            while next < rows.len() {
                let key = batch.key_at(next);
                if until.is_some_and(|until| key >= until) {
                    break;
                }
                let same =
                    if next > first { batch.key_at(next - 1) == key } else { last.as_deref() == Some(key) };
                if !same {
                    self.start_key();
                }
                self.window.rows.push(RowRef { batch: place, row: rows.get(next) });
                next += 1;
            }
            if next > first {
                last = Some(batch.key_at(next - 1).to_vec());
            }
            source.next = next;
            if next < rows.len() {
                return;
            }
            source.batches.pop_front();
            source.next = 0;
        }
    }
}

impl Source {
    fn peek(&self) -> Option<&[u8]> {
        self.batches.front().map(|batch| batch.key_at(self.next))
    }

    fn pop(&mut self) -> u32 {
        let batch = self.batches.front().expect("the caller has peeked");
        let row = batch.rows().get(self.next);
        self.next += 1;
        if self.next == batch.rows().len() {
            self.batches.pop_front();
            self.next = 0;
        }
        row
    }
}
