//! How the file of a put is read.

use std::path::Path;

use arrow_schema::DataType;
use calotype_client::SchemaVersion;
use calotype_storage::schema::FieldType;
use clap::Args;

use crate::error::CliError;
use crate::input::{self, Column, Extract, Format, ReadOptions};
use crate::output::progress::Progress;
use crate::session::Session;
use crate::value;

/// How a file is read.
#[derive(Debug, Args)]
#[command(next_help_heading = "How the file is read")]
pub(super) struct ReadArgs {
    /// The file's format [default: by its name]
    #[arg(long, value_enum)]
    input_format: Option<Format>,
    /// What separates the fields of a CSV file
    #[arg(long, value_name = "CHAR", default_value = ",", value_parser = value::delimiter)]
    delimiter: u8,
    /// The text's encoding: utf-8, latin-1, windows-1252, utf-16, ... or auto
    #[arg(long, value_name = "LABEL", default_value = "utf-8")]
    encoding: String,
    /// A text that stands for null in CSV, besides the empty one
    #[arg(long, value_name = "TEXT")]
    null: Vec<String>,
    /// Read a column of the file under another name
    #[arg(long, value_name = "FILE_COLUMN=COLUMN", value_parser = value::pair)]
    rename: Vec<(String, String)>,
    /// Leave a column of the file out
    #[arg(long, value_name = "FILE_COLUMN")]
    ignore: Vec<String>,
    /// Declare the type of a column instead of taking it from the file
    #[arg(long = "type", value_name = "COLUMN:TYPE", value_parser = value::typed_name)]
    types: Vec<(String, FieldType)>,
    /// Drop white space around names and cells of CSV
    #[arg(long)]
    trim: bool,
    /// Let empty fields after the last column pass
    #[arg(long)]
    allow_trailing_comma: bool,
}

impl ReadArgs {
    /// Reads the file, as the columns of the context if they are known.
    pub(super) fn read(
        &self,
        session: &Session,
        file: &Path,
        schema: Option<&SchemaVersion>,
    ) -> Result<Extract, CliError> {
        let options = self.options(schema)?;
        let what = file.file_name().unwrap_or(file.as_os_str());
        let progress = Progress::bytes(format!("reading {}", what.to_string_lossy()), session.quiet());
        let extract = input::read_with_progress(file, &options, &mut |done, all| progress.set(done, all))?;
        progress.finish();
        Ok(extract)
    }

    fn options(&self, schema: Option<&SchemaVersion>) -> Result<ReadOptions, CliError> {
        let mut options = ReadOptions {
            format: self.input_format,
            delimiter: self.delimiter,
            encoding: self.encoding.clone(),
            rename: self.rename.iter().cloned().collect(),
            ignore: self.ignore.iter().cloned().collect(),
            trim: self.trim,
            allow_trailing_comma: self.allow_trailing_comma,
            columns: schema.map(columns_of).transpose()?,
            ..ReadOptions::default()
        };
        options.null_values.extend(self.null.iter().cloned());
        let system = [("_partition", DataType::Utf8), ("_offset", DataType::Int64)];
        options.system_columns.extend(system.map(|(name, data_type)| Column::nullable(name, data_type)));
        let declared =
            self.types.iter().map(|(name, field_type)| Column::nullable(name, field_type.to_arrow()));
        options.system_columns.extend(declared);
        Ok(options)
    }
}

/// The columns of a context as a file must have them.
fn columns_of(schema: &SchemaVersion) -> Result<Vec<Column>, CliError> {
    let column = |column: &calotype_client::Column| {
        let field_type = FieldType::parse(&column.type_name);
        let field_type = field_type.ok_or_else(|| CliError::Argument {
            argument: "the context's columns",
            found: column.type_name.clone(),
            expected: "a type that this version knows: update calotype".to_owned(),
        })?;
        let (name, nullable) = (column.name.clone(), column.nullable);
        Ok(Column { name, data_type: field_type.to_arrow(), nullable })
    };
    schema.columns.iter().map(column).collect()
}
