//! Sweeping what a crash leaves in a local folder: files staged as `name#1` that
//! were never linked to their name. No reader sees them; they only take room.
//!
//! A staged file that somebody still writes is younger than the age below. Were it
//! swept all the same, the link would fail, and with it that commit alone.

use std::path::Path;
use std::time::Duration;

/// Staged files that are older were left behind.
const AGE_MIN: Duration = Duration::from_hours(24);

/// Removes staged files that were left behind below a store's folder. Whatever cannot be looked at or removed
/// is left for the next time.
pub(super) fn sweep(folder: &Path) {
    sweep_older(folder, AGE_MIN);
}

fn sweep_older(folder: &Path, age_min: Duration) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            sweep_older(&entry.path(), age_min);
        } else if kind.is_file() && is_staged(&entry.file_name().to_string_lossy()) {
            let age = entry.metadata().and_then(|file| file.modified()).ok().and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age >= age_min) {
                std::fs::remove_file(entry.path()).ok();
            }
        }
    }
}

/// Whether a name is an object's name, `#`, and digits.
fn is_staged(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(object, number)| {
        !object.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_staged_files_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        std::fs::create_dir(&log).unwrap();
        let names =
            ["00000000000000000007", "00000000000000000007#1", "00000000000000000008#12", "note#x", "#1"];
        for name in names {
            std::fs::write(log.join(name), b"x").unwrap();
        }
        let left = || names.iter().filter(|name| log.join(name).exists()).count();
        sweep(folder.path());
        assert_eq!(left(), 5, "all of them are young");
        sweep_older(folder.path(), Duration::ZERO);
        assert_eq!(left(), 3);
        assert!(!log.join(names[1]).exists() && !log.join(names[2]).exists());
    }
}
