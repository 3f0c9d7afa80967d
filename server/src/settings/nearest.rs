//! Which name was meant.

/// How alike two names must be before one is offered for the other, from 0 to 1.
const LIKENESS_MIN: f64 = 0.6;

/// The name that looks most like `name`, where one does.
pub(super) fn nearest(name: &str, names: impl IntoIterator<Item = String>) -> Option<String> {
    let mut best = None;
    let mut best_likeness = LIKENESS_MIN;
    for candidate in names {
        let likeness = strsim::normalized_damerau_levenshtein(name, &candidate);
        if likeness > best_likeness {
            best_likeness = likeness;
            best = Some(candidate);
        }
    }
    best
}

/// Whether a name can hardly be anything but a slip for another.
pub(super) fn is_slip(name: &str, of: &str) -> bool {
    strsim::normalized_damerau_levenshtein(name, of) >= 0.9
}
