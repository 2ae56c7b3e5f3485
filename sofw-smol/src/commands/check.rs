//! `sofw check`.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{WRONG_CONFIGURATION, fail};
use crate::settings::Settings;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// hras.toml or hrac.toml; its contents tell which.
    file: PathBuf,
}

pub fn run(args: &Args) -> ExitCode {
    let what = match Settings::load(&args.file) {
        Err(problems) => return fail(WRONG_CONFIGURATION, problems),
        Ok(Settings::Hras(hras)) => {
            format!(
                "HRAS for {}: {} sites, {} users",
                hras.core.domain,
                hras.core.sites.len(),
                hras.core.users.len()
            )
        }
        Ok(Settings::Hrac(hrac)) => {
            format!("HRAC of site {}, server {}", hrac.core.site, hrac.core.authority)
        }
    };
    println!("{}: good ({what})", args.file.display());
    ExitCode::SUCCESS
}
