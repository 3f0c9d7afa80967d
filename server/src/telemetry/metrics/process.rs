//! What the process takes from the machine, read when it is asked for. Only Linux tells it this way; elsewhere these
//! series are missing.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// The process, under the names that Prometheus' own clients use.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mut gauge = |name, help, unit: Option<&Unit>, value: Option<u64>| {
            let Some(value) = value else { return Ok(()) };
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)
        };
        let bytes = Some(&Unit::Bytes);
        gauge("process_resident_memory", "Memory in use", bytes, kibibytes(&status, "VmRSS:"))?;
        gauge("process_resident_memory_max", "Most memory ever in use", bytes, kibibytes(&status, "VmHWM:"))?;
        gauge("process_virtual_memory", "Memory reserved", bytes, kibibytes(&status, "VmSize:"))?;
        gauge("process_threads", "Threads", None, number(&status, "Threads:"))?;
        gauge("process_open_fds", "Open files and sockets", None, open_files())
    }
}

fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A line of `/proc/self/status` in `kB`, as bytes.
fn kibibytes(status: &str, name: &str) -> Option<u64> {
    number(status, name)?.checked_mul(1 << 10)
}

fn open_files() -> Option<u64> {
    let files = fs::read_dir("/proc/self/fd").ok()?.count();
    // The folder that is being read is one of them.
    u64::try_from(files.saturating_sub(1)).ok()
}
