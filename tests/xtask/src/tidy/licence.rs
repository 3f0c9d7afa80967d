//! Which licences a dependency may have.

/// Licences that ask for no more than a notice, by SPDX identifier.
const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression can be met with allowed licences alone. What cannot be read cannot.
/// An exception (`WITH`) only adds permissions, so its licence decides.
pub(super) fn is_allowed(expression: &str) -> bool {
    // The slash is how crates said OR before SPDX.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    matches!(alternatives(&tokens), Some((true, [])))
}

/// One level of the grammar: the verdict, and the tokens after what was read.
type Verdict<'a, 'b> = Option<(bool, &'a [&'b str])>;

fn alternatives<'a, 'b>(tokens: &'a [&'b str]) -> Verdict<'a, 'b> {
    let (mut allowed, mut rest) = conjunction(tokens)?;
    while let ["OR", after @ ..] = rest {
        let (other, after) = conjunction(after)?;
        (allowed, rest) = (allowed || other, after);
    }
    Some((allowed, rest))
}

fn conjunction<'a, 'b>(tokens: &'a [&'b str]) -> Verdict<'a, 'b> {
    let (mut allowed, mut rest) = licence(tokens)?;
    while let ["AND", after @ ..] = rest {
        let (other, after) = licence(after)?;
        (allowed, rest) = (allowed && other, after);
    }
    Some((allowed, rest))
}

fn licence<'a, 'b>(tokens: &'a [&'b str]) -> Verdict<'a, 'b> {
    match tokens {
        ["(", after @ ..] => match alternatives(after)? {
            (allowed, [")", rest @ ..]) => Some((allowed, rest)),
            _ => None,
        },
        [name, "WITH", _, rest @ ..] | [name, rest @ ..] => Some((ALLOWED.contains(name), rest)),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_allowed_when_allowed_licences_meet_it() {
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT/Apache-2.0", true),
            ("MIT OR Apache-2.0 OR LGPL-2.1-or-later", true),
            ("Apache-2.0 AND GPL-2.0-only", false),
            ("GPL-2.0-only OR MIT AND ISC", true),
            ("(MIT OR GPL-2.0-only) AND Unicode-3.0", true),
            ("(MIT OR GPL-2.0-only) AND LGPL-3.0-only", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("(MIT", false),
            ("MIT MIT", false),
            ("MIT OR", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(expression), expected, "{expression}");
        }
    }
}
