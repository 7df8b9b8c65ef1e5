//! The binary `taizhang`.

/// An import hands millions of short texts from thread to thread, where the system's allocator spends a fifth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    taizhang::cli::main()
}
