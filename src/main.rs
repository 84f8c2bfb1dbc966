//! The `waybill` program: the command line around the library. See `cli/mod.rs`.

mod cli;

/// RocksDB's many small allocations leave the C library's allocator with twice the memory.
#[cfg(feature = "rocksdb")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
