//! `sofw user`.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::{FAILED, WRONG_CONFIGURATION, fail};
use crate::settings::{HrasSettings, check_user_name, ha1_md5, ha1_sha256, state_dir};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The user: the part before the @ of the SIP address.
    name: String,
    /// The domain in hras.toml; the hashes hold for this one only.
    #[arg(long, conflicts_with = "config")]
    domain: Option<String>,
    /// An hras.toml that names the domain.
    #[arg(long)]
    config: Option<PathBuf>,
}

pub fn run(args: &Args) -> ExitCode {
    let name = match check_user_name(&args.name) {
        Ok(name) => name,
        Err(reason) => return fail(WRONG_CONFIGURATION, format_args!("NAME {reason}")),
    };
    let domain = match domain(args) {
        Ok(domain) => domain,
        Err(reason) => return fail(WRONG_CONFIGURATION, reason),
    };
    let password = match password() {
        Ok(password) if password.is_empty() => return fail(FAILED, "the password must not be empty"),
        Ok(password) => password,
        Err(error) => return fail(FAILED, format_args!("cannot read the password: {error}")),
    };
    println!("[[user]]");
    println!("name = {}", toml::Value::from(name.as_str()));
    println!("# Without ha1-md5 the phone is asked for SHA-256: safer, but many phones know only MD5.");
    println!("ha1-md5 = \"{}\"", ha1_md5(&name, &domain, &password));
    println!("ha1-sha256 = \"{}\"", ha1_sha256(&name, &domain, &password));
    ExitCode::SUCCESS
}

fn domain(args: &Args) -> Result<String, String> {
    if let Some(domain) = &args.domain {
        return Ok(domain.to_ascii_lowercase());
    }
    let file = args.config.clone().unwrap_or_else(|| state_dir().join("hras.toml"));
    if args.config.is_none() && !file.exists() {
        return Err("--domain is needed: the domain in hras.toml".to_owned());
    }
    HrasSettings::load(&file).map(|settings| settings.core.domain).map_err(|problems| problems.to_string())
}

/// One line of standard input, not shown if a person types it.
fn password() -> io::Result<String> {
    let stdin = io::stdin();
    let mut line = String::new();
    if stdin.is_terminal() {
        eprint!("Password: ");
        io::stderr().flush()?;
        let shown = tcgetattr(&stdin)?;
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
        let result = stdin.lock().read_line(&mut line);
        tcsetattr(&stdin, OptionalActions::Flush, &shown)?;
        eprintln!();
        result?;
    } else {
        stdin.lock().read_line(&mut line)?;
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
