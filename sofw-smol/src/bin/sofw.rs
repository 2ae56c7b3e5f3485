//! The `sofw` executable.

fn main() -> std::process::ExitCode {
    sofw_smol::commands::main()
}
