//! Generates the code of `calotype.v1` without protoc: protox is a compiler in Rust.

use std::error::Error;
use std::path::{Path, PathBuf};

use prost::Message;
use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::Type;
use tonic_prost_build::{Builder, Config};

/// Messages that hold puts.
const UNREAD: [&str; 3] = ["PutRequest", "PutStreamRequest", "PutManyRequest"];

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
    unread(files.clone(), &out.join("unread"))?;
    compile(tonic_prost_build::configure(), files)?;
    Ok(())
}

/// Generates code. Fields of bytes are shared with the buffer they came in, not copied; what a client sends is decoded
/// strictly, for which messages know their names.
fn compile(builder: Builder, files: FileDescriptorSet) -> std::io::Result<()> {
    let mut config = Config::new();
    config.enable_type_names();
    let builder = builder.bytes(".").btree_map(".").codec_path("crate::strict::Codec");
    builder.compile_fds_with_config(files, config)
}

/// Puts as a server takes them: what grows when it is decoded stays bytes, which look the same on the wire.
fn unread(mut files: FileDescriptorSet, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut builder = tonic_prost_build::configure().build_client(false);
    for file in files.file.iter_mut().filter(|file| file.package() == "calotype.v1") {
        if !file.name().ends_with("/ingest.proto") {
            file.service.clear();
        }
        for message in &mut file.message_type {
            let name = message.name().to_owned();
            if !UNREAD.contains(&name.as_str()) {
                builder = builder.extern_path(format!(".calotype.v1.{name}"), format!("crate::v1::{name}"));
                continue;
            }
            let grows = [".calotype.v1.RowBatch", ".calotype.v1.PutHeader"];
            for field in message.field.iter_mut().filter(|field| grows.contains(&field.type_name())) {
                field.set_type(Type::Bytes);
                field.type_name = None;
            }
        }
        for values in &file.enum_type {
            let name = values.name();
            builder = builder.extern_path(format!(".calotype.v1.{name}"), format!("crate::v1::{name}"));
        }
    }
    std::fs::create_dir_all(out)?;
    compile(builder.out_dir(out), files)?;
    Ok(())
}
