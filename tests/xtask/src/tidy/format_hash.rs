//! The page of the format and the code it describes change together: the page names the code's
//! files and their hash.
//!
//! In the page, with paths from the root of the repository:
//! `<!-- format-files: storage/src/a.rs storage/src/b.rs -->` and `<!-- format-hash: HEX -->`,
//! where HEX is the BLAKE3 of the files' bytes, one after the other in that order.

use std::ops::Range;

use super::Problem;

pub(super) const PAGE: &str = "storage/FORMAT.md";

const FILES: &str = "format-files";
const HASH: &str = "format-hash";

/// Compares the hash in `page` with that of the files `read` returns.
pub(super) fn check(page: &str, read: impl Fn(&str) -> Option<Vec<u8>>) -> Vec<Problem> {
    let compare = || {
        let stated = &page[find(page, HASH)?];
        let found = hash(page, read)?;
        if stated.trim() == found {
            return Ok(());
        }
        Err(Problem::new(
            PAGE,
            format!(
                "says the code of the format hashes to {}, but it hashes to {found}: \
                 make page and code agree, then run `cargo xtask tidy --bless`",
                stated.trim(),
            ),
        ))
    };
    compare().err().into_iter().collect()
}

/// `page` with the hash of its files.
pub(super) fn bless(page: &str, read: impl Fn(&str) -> Option<Vec<u8>>) -> Result<String, Problem> {
    let mut blessed = page.to_owned();
    blessed.replace_range(find(page, HASH)?, &format!(" {} ", hash(page, read)?));
    Ok(blessed)
}

fn hash(page: &str, read: impl Fn(&str) -> Option<Vec<u8>>) -> Result<String, Problem> {
    let mut hasher = blake3::Hasher::new();
    let mut files = page[find(page, FILES)?].split_whitespace().peekable();
    if files.peek().is_none() {
        return Err(Problem::new(PAGE, format!("its {FILES} are none")));
    }
    for path in files {
        let bytes = read(path).ok_or_else(|| {
            Problem::new(
                PAGE,
                format!("names {path}, which cannot be read: paths start at the root of the repository"),
            )
        })?;
        hasher.update(&bytes);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Where the value of the comment `name` lies in `page`; there must be exactly one.
fn find(page: &str, name: &str) -> Result<Range<usize>, Problem> {
    let opening = format!("<!-- {name}:");
    let mut places = page.match_indices(&opening).map(|(place, _)| place + opening.len());
    match (places.next(), places.next()) {
        (Some(start), None) => {
            let length = page[start..].find("-->");
            let length =
                length.ok_or_else(|| Problem::new(PAGE, format!("its comment {name} has no end")))?;
            Ok(start..start + length)
        }
        (None, _) => Err(Problem::new(PAGE, format!("has no comment `{opening} ... -->`"))),
        (Some(_), Some(_)) => Err(Problem::new(PAGE, format!("has the comment {name} more than once"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNBLESSED: &str = "# Format\n<!-- format-files: a.rs b.rs -->\n<!-- format-hash: none -->\nText.\n";

    fn code(path: &str) -> Option<Vec<u8>> {
        ["a.rs", "b.rs"].contains(&path).then(|| path.as_bytes().to_vec())
    }

    #[test]
    fn a_blessed_page_is_right_until_the_code_changes() {
        let page = bless(UNBLESSED, code).unwrap();
        assert!(page.contains(&format!("<!-- format-hash: {} -->\nText.", blake3::hash(b"a.rsb.rs"))));
        assert_eq!(check(&page, code), []);
        assert_eq!(check(&page, |_| Some(b"changed".to_vec())).len(), 1);
    }

    #[test]
    fn a_page_that_names_no_code_is_a_problem() {
        for page in [
            "no comments at all",
            "<!-- format-files: a.rs -->",
            "<!-- format-files: --> <!-- format-hash: 0 -->",
            "<!-- format-files: lost.rs --> <!-- format-hash: 0 -->",
            "<!-- format-files: a.rs --> <!-- format-hash: 0",
            "<!-- format-files: a.rs --> <!-- format-hash: 0 --> <!-- format-hash: 0 -->",
        ] {
            assert_eq!(check(page, code).len(), 1, "{page}");
        }
    }
}
