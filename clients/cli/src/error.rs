//! Why a command did not succeed, with its exit code and, where there is one, the next step.

use std::io;
use std::path::PathBuf;

use calotype_client::{ClientError, ServerError};
use calotype_server::page_token::TokenKeyError;
use calotype_server::serve::ServeError;
use calotype_server::settings::SettingsError;
use calotype_server::telemetry::TelemetryError;
use calotype_server::views::ViewsError;
pub(crate) use calotype_storage::error::reasons;
use calotype_storage::error::{Code, Error};
use tonic::Code as WireCode;

use crate::feed::FeedError;
use crate::input::InputError;
use crate::output::{OutputError, escaped};

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CliError {
    /// The store could not be opened, or something was refused before it was sent.
    #[error(transparent)]
    Storage(#[from] Error),
    /// The server, or the store that is served within this process, refused or failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The store could not be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The log or the traces of a server cannot be begun. Mend its settings.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The key of a server's tokens cannot be used.
    #[error(transparent)]
    TokenKey(#[from] TokenKeyError),
    /// The settings of the server cannot be used. Mend them.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The views of a server cannot be used. Mend them.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// A statement was refused. Mend it at the place, where there is one.
    #[error("{refusal}")]
    Statement {
        /// Why.
        refusal: ClientError,
        /// The line of the text that is at fault, with a mark below; empty where no place is known.
        place: String,
    },
    /// A file could not be read. Mend it.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The answer could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A feed's description or index cannot be used. Mend it.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A file was read and then refused whole. Mend it, or the options.
    #[error("{file} was refused, nothing of it was committed")]
    Refused {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: ClientError,
    },
    /// No store was named.
    #[error("no store was named")]
    NoStore,
    /// The environment names a store and a server.
    #[error("both CALOTYPE_STORE and CALOTYPE_SERVER are set")]
    TwoPlaces,
    /// No server was named.
    #[error("no server was named")]
    NeedsServer,
    /// A server was named where only the store itself will do.
    #[error("this needs the store itself; it cannot be done through the server at {0}")]
    NeedsStore(String),
    /// The store's address cannot be read.
    #[error("{address:?} is not the address of a store")]
    StoreAddress {
        /// As given.
        address: String,
        /// What is wrong with it.
        #[source]
        source: url::ParseError,
    },
    /// An argument that is well-formed but does not fit the context.
    #[error("{argument}: {found:?}; expected {expected}")]
    Argument {
        /// The option.
        argument: &'static str,
        /// As given.
        found: String,
        /// What fits.
        expected: String,
    },
    /// A local file could not be used.
    #[error("could not {action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A format for programs would have gone to a terminal.
    #[error("{0} is not for a terminal")]
    BinaryToTerminal(&'static str),
    /// The user said no, or could not be asked.
    #[error("not confirmed, nothing was committed")]
    NotConfirmed,
    /// Verification found damage.
    #[error("verification found {0} things that are not as they should be")]
    Damage(u64),
    /// A verification did not come to its end.
    #[error("the verification did not come to its end: {0}")]
    Verification(String),
    /// A server says that it does not serve.
    #[error("the server at {address} does not serve: {state}")]
    NotServing {
        /// Its address.
        address: String,
        /// What it says of itself.
        state: String,
    },
    /// An address cannot be listened on.
    #[error("could not listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The machine did not give what a server needs.
    #[error("could not start the server")]
    Start(#[source] io::Error),
    /// An extract of a strict import was refused.
    #[error("the import stopped at line {line} of the index: {reason}")]
    Strict {
        /// The line.
        line: u64,
        /// Why.
        reason: String,
    },
    /// The folder for the demo holds something else.
    #[error("the store at {0} was not made by the demo")]
    NotTheDemo(String),
}

impl CliError {
    /// Whether the reader of the output went away, as `head` does.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.is_broken_pipe())
    }

    /// The error of a put of a file: if the put was refused, the file was.
    pub(crate) fn of_file(self, file: String) -> Self {
        if let Self::Client(source) = self {
            return if refusal(&source).is_some() {
                Self::Refused { file, source }
            } else {
                Self::Client(source)
            };
        }
        self
    }

    /// What the caller can do, where the error is one of these.
    fn code(&self) -> Option<Code> {
        Some(match self {
            Self::Storage(error) | Self::Serve(ServeError::Index(error)) => error.code(),
            Self::Client(error)
            | Self::Refused { source: error, .. }
            | Self::Statement { refusal: error, .. } => {
                return code_of_wire(error.code());
            }
            Self::Input(InputError::Open { source, .. })
            | Self::File { source, .. }
            | Self::Settings(SettingsError::Read { source, .. })
            | Self::Views(ViewsError::Read(_, source)) => {
                return code_of_io(source);
            }
            Self::Feed(error) if error.is_missing_file() => Code::NotFound,
            Self::Output(error) if error.is_storage_full() => Code::ResourceExhausted,
            Self::Input(_)
            | Self::Feed(_)
            | Self::Settings(_)
            | Self::Views(_)
            | Self::Telemetry(_)
            | Self::Argument { .. }
            | Self::Strict { .. }
            | Self::StoreAddress { .. } => Code::InvalidArgument,
            Self::Damage(_) => Code::DataLoss,
            Self::NotTheDemo(_) => Code::AlreadyExists,
            Self::NotServing { .. } | Self::Listen { .. } => Code::Unavailable,
            Self::Output(_)
            | Self::Serve(_)
            | Self::Start(_)
            | Self::Verification(_)
            | Self::NoStore
            | Self::TwoPlaces
            | Self::NeedsStore(_)
            | Self::NeedsServer
            | Self::TokenKey(_)
            | Self::BinaryToTerminal(_)
            | Self::NotConfirmed => return None,
        })
    }

    /// The process's exit code, as `--help` lists them.
    pub(crate) fn exit_code(&self) -> u8 {
        let is_usage = matches!(
            self,
            Self::NoStore
                | Self::TwoPlaces
                | Self::NeedsStore(_)
                | Self::NeedsServer
                | Self::BinaryToTerminal(_)
        );
        match self.code() {
            None if is_usage => 2,
            None => 1,
            Some(Code::InvalidArgument) => 3,
            Some(Code::NotFound) => 4,
            Some(Code::AlreadyExists) => 5,
            Some(Code::FailedPrecondition) => 6,
            Some(Code::OutOfRange) => 7,
            Some(Code::ResourceExhausted) => 8,
            Some(Code::Aborted | Code::Unavailable) => 9,
            Some(Code::DataLoss) => 10,
        }
    }

    /// The error for a terminal: a line, its causes, and the next step where there is one.
    pub(crate) fn report(&self) -> String {
        let mut text = format!("error: {}\n", escaped(&reasons(self)));
        if let Self::Statement { place, .. } = self {
            text.push_str(place);
        }
        if let Some(step) = self.next_step() {
            text.push_str("next: ");
            text.push_str(step);
            text.push('\n');
        }
        text
    }

    /// One word for what went wrong, where the store or the server said it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other error is of the command itself")]
    fn reason(&self) -> Option<&str> {
        match self {
            Self::Storage(error) => Some(error.reason()),
            Self::Client(error)
            | Self::Refused { source: error, .. }
            | Self::Statement { refusal: error, .. } => error.reason(),
            _ => None,
        }
    }

    /// What to do next, where the message itself does not say it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other message says it itself")]
    fn next_step(&self) -> Option<&'static str> {
        if let Some(step) = self.reason().and_then(next_step_of) {
            return Some(step);
        }
        Some(match self {
            Self::NoStore => {
                "pass --store PATH or URL, or set CALOTYPE_STORE; `calotype demo` makes one to play with"
            }
            Self::TwoPlaces => "pass --store or --server, or unset one of them",
            Self::NeedsServer => "pass --server HOST:PORT, or set CALOTYPE_SERVER",
            Self::NeedsStore(_) => "pass --store on the machine that has the store",
            Self::BinaryToTerminal(_) => "pass --output FILE, or pipe it into a program",
            Self::NotConfirmed => "pass --yes if the columns are right, else declare them with --type",
            Self::Damage(_) => "restore the named objects from another copy; verify repairs nothing",
            Self::NotTheDemo(_) => "name another folder with --store",
            Self::Listen { .. } => "pass another --listen or --metrics, such as 127.0.0.1:0 for a free port",
            Self::Client(ClientError::Endpoint { .. }) => "pass --server HOST:PORT",
            Self::Client(ClientError::Transport { .. }) => "check --server; `calotype serve` starts a server",
            Self::NotServing { .. } => "wait until it has started, or look into its log",
            Self::Strict { .. } => {
                "mend the extract and run the same command again: it goes on from there; \
                 without --strict the import skips it and reports it"
            }
            _ => return None,
        })
    }
}

/// The refusal of a put or of another deed, where an error is one: what came was not fit, and nothing of it was
/// committed.
pub(crate) fn refusal(error: &ClientError) -> Option<&ServerError> {
    let unfit = |error: &&ServerError| {
        matches!(
            error.code,
            WireCode::InvalidArgument | WireCode::AlreadyExists | WireCode::FailedPrecondition
        ) || matches!(error.reason.as_str(), "UNKNOWN_CUTOFF" | "PUT_TOO_LARGE" | "NO_CONTEXT")
    };
    error.server().filter(unfit)
}

/// What to do next, by the reason that the store or the server gives.
fn next_step_of(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "NO_STORE" => "check --store; `calotype context create` makes a store where there is none",
        "STORE_FULL" => "free some room and run the same command again: nothing acknowledged was lost",
        "NO_COLUMN" => "`calotype context show` lists the columns of every schema version",
        "NO_CONTEXT" => "`calotype context list` lists the contexts, `calotype context create` makes one",
        "UNKNOWN_COLUMN" | "COLUMN_WIDER" => "pass --evolve to let the schema grow, or --ignore COLUMN",
        "MISSING_COLUMN" => "pass --evolve to leave nullable columns out, or --rename",
        "DUPLICATE_KEYS" => "mend the file, or pass --on-duplicate first or last",
        "NO_RECORDED_AT" => {
            "pass --recorded-at with the time at which the source knew it, or end import with \
             `calotype context go-live`"
        }
        "RECORDED_AT_REFUSED" => "leave --recorded-at out",
        "NO_CUTOFF" => "pass --cutoff",
        "EMPTY_FULL" => "pass --expected-rows 0 if that is meant",
        "MAX_RETRACTED" => "pass --expected-rows with the number of rows, if it is right",
        "NO_VALID_TO" => "pass --valid-to open or --valid-to until-next",
        "UNKNOWN_CUTOFF" | "EXPECTED_COMMIT" => "`calotype log --context NAME` lists what was committed",
        _ => return None,
    })
}

/// The codes of the wire that the store has too.
fn code_of_wire(code: WireCode) -> Option<Code> {
    Some(match code {
        WireCode::InvalidArgument => Code::InvalidArgument,
        WireCode::NotFound => Code::NotFound,
        WireCode::AlreadyExists => Code::AlreadyExists,
        WireCode::FailedPrecondition | WireCode::PermissionDenied => Code::FailedPrecondition,
        WireCode::OutOfRange => Code::OutOfRange,
        WireCode::ResourceExhausted => Code::ResourceExhausted,
        WireCode::Unavailable | WireCode::DeadlineExceeded | WireCode::Cancelled => Code::Unavailable,
        WireCode::Aborted => Code::Aborted,
        WireCode::DataLoss => Code::DataLoss,
        WireCode::Ok
        | WireCode::Unknown
        | WireCode::Unimplemented
        | WireCode::Internal
        | WireCode::Unauthenticated => return None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other kind has no code of its own")]
fn code_of_io(error: &io::Error) -> Option<Code> {
    match error.kind() {
        io::ErrorKind::NotFound => Some(Code::NotFound),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Code::ResourceExhausted),
        _ => None,
    }
}
