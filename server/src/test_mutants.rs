//! Mutants of valid texts, for tests of what reads them: drawn from a seed, so that each run tries the same.

/// What is put in: what texts are made of, and what none should hold.
const PIECES: [&str; 24] = [
    "",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "=",
    "\n",
    "\\",
    "\\u0000",
    "null",
    "true",
    "-",
    "0",
    "1e400",
    "18446744073709551616",
    "Z",
    "é",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "#",
];

/// Draws `count` mutants of `text`, one to four changes each: bytes changed, removed and put in, ranges repeated and cut.
pub(crate) fn mutants(text: &str, seed: u64, count: usize, mut check: impl FnMut(&[u8])) {
    let mut state = seed;
    // Knuth's constants of a linear congruence; its upper bits.
    let mut next = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below.max(1)
    };
    for _ in 0..count {
        let mut mutant = text.as_bytes().to_vec();
        for _ in 0..=next(4) {
            let at = next(mutant.len() + 1);
            let to = at + next(9).min(mutant.len() - at);
            match next(6) {
                0 => drop(mutant.splice(at..to, [])),
                1 => drop(mutant.splice(at..at, PIECES[next(PIECES.len())].bytes())),
                2 => drop(mutant.splice(at..to, PIECES[next(PIECES.len())].bytes())),
                3 => {
                    let again = mutant[at..to].to_vec();
                    drop(mutant.splice(at..at, again));
                }
                4 => mutant.truncate(mutant.len() - next(3).min(mutant.len())),
                _ => {
                    if let Some(byte) = mutant.get_mut(at) {
                        *byte = next(256).to_le_bytes()[0];
                    }
                }
            }
        }
        check(&mutant);
    }
}
