//! The binary `taizhang`.

fn main() -> std::process::ExitCode {
    taizhang::cli::main()
}
