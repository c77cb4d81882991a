//! What memory this process holds, and what time its threads ran, as Linux counts it.

fn status_mb(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"));
    kilobytes.and_then(|number| number.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

pub(crate) fn now_mb() -> f64 {
    status_mb("VmRSS:")
}

/// The most since the start, or since the peak was forgotten.
pub(crate) fn peak_mb() -> f64 {
    status_mb("VmHWM:")
}

/// Counts the peak from now on; where that is not allowed, the peak stays that of the whole process.
pub(crate) fn forget_peak() {
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}

/// Seconds that all threads together ran since the start, to a hundredth.
pub(crate) fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in brackets may hold anything; of what follows, the 12th and 13th are ticks in user and system.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}
