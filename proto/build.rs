//! Generates the code of `calotype.v1` without protoc: protox is a compiler in Rust.

use std::error::Error;
use std::path::PathBuf;

use prost::Message;

const FILES: [&str; 8] = [
    "calotype/v1/values.proto",
    "calotype/v1/claim.proto",
    "calotype/v1/contexts.proto",
    "calotype/v1/ingest.proto",
    "calotype/v1/query.proto",
    "calotype/v1/snapshots.proto",
    "calotype/v1/operations.proto",
    "calotype/v1/log.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    for file in FILES {
        println!("cargo:rerun-if-changed={file}");
    }
    let files = protox::compile(FILES, ["."])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptor.bin"), files.encode_to_vec())?;
    // Fields of bytes are shared with the buffer they came in, not copied.
    tonic_prost_build::configure().bytes(".").btree_map(".").compile_fds(files)?;
    Ok(())
}
