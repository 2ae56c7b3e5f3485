//! Numbers as people read them.

use sofw_core::base::{Duration, Instant};

/// `4.2 ms`, `83 ms`, `1.25 s`, `2:05 min`, `1:02:05 h`.
pub(super) fn time(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1_000.0;
    match ms {
        ms if ms < 9.95 => format!("{ms:.1} ms"),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 9_995.0 => format!("{:.2} s", ms / 1_000.0),
        ms if ms < 119_950.0 => format!("{:.1} s", ms / 1_000.0),
        _ => {
            let seconds = time.as_secs();
            match seconds {
                0..3_600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
                _ => format!("{}:{:02}:{:02} h", seconds / 3_600, seconds / 60 % 60, seconds % 60),
            }
        }
    }
}

/// Time since the start: `12.345`, `2:05.300`.
pub(crate) fn clock(at: Instant) -> String {
    let ms = at.as_millis();
    let (seconds, rest) = (ms / 1_000, ms % 1_000);
    match seconds {
        0..60 => format!("{seconds}.{rest:03}"),
        60..3_600 => format!("{}:{:02}.{rest:03}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}.{rest:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60),
    }
}

/// `0 %`, `0.42 %`, `12.3 %`.
pub(super) fn share(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        0.0 => "0 %".to_owned(),
        percent if percent < 0.005 => "<0.01 %".to_owned(),
        percent if percent < 9.995 => format!("{percent:.2} %"),
        _ => format!("{percent:.1} %"),
    }
}

/// `812 B`, `1.2 kB`, `34.5 MB`: powers of ten.
pub(super) fn bytes(bytes: u64) -> String {
    let size = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", size / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", size / 1e6),
        _ => format!("{:.2} GB", size / 1e9),
    }
}

/// Thousands set apart by narrow spaces that do not break.
pub(super) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits.len() > 4 {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}
