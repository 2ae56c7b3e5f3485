//! Logging by `tracing`: text or JSON lines on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::settings::LogSettings;

/// The target of ready lines: they are printed whatever the filter says.
pub const READY: &str = "sofw::ready";

/// Begins to log. What was asked for on the command line goes before the environment's `RUST_LOG`, that before the file.
/// A second call changes nothing.
///
/// # Errors
/// What is wrong with the filter.
pub fn start(command_line: &LogSettings, file: &LogSettings) -> Result<(), String> {
    let environment = std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
    let level = command_line.level.clone().or(environment).or_else(|| file.level.clone());
    let level = level.as_deref().unwrap_or("info");
    let filter =
        EnvFilter::builder().parse(level).map_err(|error| format!("log filter {level:?}: {error}"))?;
    let always = format!("{READY}=info").parse().map_err(|error| format!("log filter: {error}"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter.add_directive(always))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let json = command_line.json.or(file.json).unwrap_or(false);
    let _ = if json {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        builder.with_target(false).try_init()
    };
    Ok(())
}
