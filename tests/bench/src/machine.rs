//! What the machine says: time and memory.

use std::time::Duration;

/// How long something took, and what it gave.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    #[expect(clippy::disallowed_methods, reason = "measuring is about this clock")]
    let start = std::time::Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// The most memory that a process has held, MiB; 0 where the system does not say.
pub(crate) fn memory_peak_mib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// A count as a figure.
#[expect(clippy::cast_precision_loss, reason = "figures are printed with a digit after the point")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// Minimum, median and maximum of some figures.
pub(crate) fn spread(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    let last = figures.len().saturating_sub(1);
    let at = |place: usize| figures.get(place).copied().unwrap_or(0.0);
    (at(0), at(last / 2), at(last))
}

/// Bytes of all files below a folder.
pub(crate) fn folder_bytes(folder: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let size = |entry: std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => folder_bytes(&entry.path()),
        _ => entry.metadata().map_or(0, |file| file.len()),
    };
    entries.flatten().map(size).sum()
}
