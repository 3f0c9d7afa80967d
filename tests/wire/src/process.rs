//! A server as a real process: started, measured, stopped, killed.

pub mod frames;

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use calotype_client::{Client, Options};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// How long anything may take that should take a moment.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether something has come to pass.
const LOOK: Duration = Duration::from_millis(20);

/// Where the store of a server lies, and how it is served.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program.
    pub program: PathBuf,
    /// The store's folder.
    pub store: PathBuf,
    /// The folder of the server's own index.
    pub state: PathBuf,
    /// Settings as `section.name=value`.
    pub settings: Vec<String>,
    /// Variables of its environment.
    pub variables: Vec<(String, String)>,
}

/// A server that runs. Dropped, it is killed.
#[derive(Debug)]
pub struct Served {
    child: Child,
    address: SocketAddr,
    metrics: SocketAddr,
}

/// What a process has used.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Memory in use, bytes.
    pub resident: u64,
    /// The most memory that was ever in use, bytes.
    pub resident_most: u64,
    /// Time of processors, in hundredths of a second.
    pub ticks: u64,
}

impl Plan {
    /// A server of the store in a folder, on any port.
    pub fn new(program: &str, folder: &Path) -> Self {
        let settings = vec!["server.listen=127.0.0.1:0".to_owned(), "log.filter=error".to_owned()];
        Self {
            program: program.into(),
            store: folder.join("store"),
            state: folder.join("state"),
            settings,
            variables: Vec::new(),
        }
    }

    /// With a setting more.
    #[must_use]
    pub fn with(mut self, setting: impl Into<String>) -> Self {
        self.settings.push(setting.into());
        self
    }

    /// With a variable of its environment more.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the process, and does not wait for it.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(&self) -> anyhow::Result<Child> {
        // As many open files as the machine allows: each connection is one.
        let script = "ulimit -n \"$(ulimit -H -n)\"; exec \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(&self.program).arg(&self.store).arg(&self.state);
        command
            .args(&self.settings)
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        command.spawn().with_context(|| format!("starting {}", self.program.display()))
    }

    /// Starts the process and waits until it answers.
    ///
    /// # Errors
    /// It ends, or takes too long.
    pub async fn start(&self) -> anyhow::Result<Served> {
        Served::of(self.spawn()?).await
    }
}

impl Served {
    /// A process that was started: waits until it answers.
    ///
    /// # Errors
    /// It ends, or takes too long.
    pub async fn of(mut child: Child) -> anyhow::Result<Self> {
        let mut output = BufReader::new(child.stdout.take().context("its output is a pipe")?);
        let mut line = String::new();
        timeout(PATIENCE, output.read_line(&mut line)).await.context("the server does not begin")??;
        let (address, metrics) = line.trim().split_once(' ').context("the server ended at once")?;
        Ok(Self { child, address: address.parse()?, metrics: metrics.parse()? })
    }

    /// Where it is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of it.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn client(&self, options: Options) -> anyhow::Result<Client> {
        Ok(Client::connect_with(&self.address.to_string(), options).await?)
    }

    /// Kills it, as losing power would.
    ///
    /// # Errors
    /// It had ended by itself.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        let status = self.child.wait().await?;
        if status.code().is_some() {
            bail!("the server ended by itself: {status}");
        }
        Ok(())
    }

    /// Tells it to stop.
    ///
    /// # Errors
    /// It has ended already.
    pub async fn terminate(&self) -> anyhow::Result<()> {
        let id = self.child.id().context("the server has ended")?;
        let status = Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        if status.success() { Ok(()) } else { Err(anyhow!("kill: {status}")) }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It takes longer than it may.
    pub async fn ended(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        timeout(patience, self.child.wait()).await.context("the server does not end")?.map_err(Into::into)
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// The system does not say.
    pub fn is_running(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// What it has used so far, as Linux tells it.
    ///
    /// # Errors
    /// The process is gone.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        let id = self.child.id().context("the server has ended")?;
        let mut stat = String::new();
        std::fs::File::open(format!("/proc/{id}/stat"))?.read_to_string(&mut stat)?;
        // What follows the name, which may hold blanks.
        let (_, rest) = stat.rsplit_once(')').context("/proc/PID/stat")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |place: usize| -> anyhow::Result<u64> {
            Ok(fields.get(place).context("/proc/PID/stat")?.parse()?)
        };
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let kibibytes = |name: &str| -> anyhow::Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).context("/proc/PID/status")?;
            Ok(line.split_whitespace().next().context("/proc/PID/status")?.parse()?)
        };
        Ok(Usage {
            resident: kibibytes("VmRSS:")? << 10,
            resident_most: kibibytes("VmHWM:")? << 10,
            ticks: number(11)? + number(12)?,
        })
    }

    /// Forgets the most memory that was ever in use: it is counted anew from here.
    ///
    /// # Errors
    /// The system does not let it.
    pub fn forget_peak(&self) -> anyhow::Result<()> {
        let id = self.child.id().context("the server has ended")?;
        Ok(std::fs::write(format!("/proc/{id}/clear_refs"), "5")?)
    }

    /// Waits until it uses next to nothing of the processors.
    ///
    /// # Errors
    /// It does not come to rest.
    pub async fn settles(&self) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let before = self.usage()?.ticks;
            // polls: how much it works, until it rests
            sleep(10 * LOOK).await;
            // A fifth of one processor.
            if self.usage()?.ticks - before <= 4 {
                return Ok(());
            }
        }
        bail!("the server does not come to rest")
    }

    /// A series of its metrics, such as `calotype_refusals_total{limit="puts_max"}`; 0 where there is none.
    ///
    /// # Errors
    /// The metrics cannot be read.
    pub async fn metric(&self, series: &str) -> anyhow::Result<u64> {
        let mut stream = TcpStream::connect(self.metrics).await?;
        let request = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut text = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut text)).await.context("no metrics")??;
        let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        found.map_or(Ok(0), |value| Ok(value.parse()?))
    }

    /// Waits until a series satisfies something.
    ///
    /// # Errors
    /// It never does.
    pub async fn metric_becomes(&self, series: &str, is_so: impl Fn(u64) -> bool) -> anyhow::Result<u64> {
        let until = Instant::now() + PATIENCE;
        loop {
            let value = self.metric(series).await?;
            if is_so(value) {
                return Ok(value);
            }
            if Instant::now() >= until {
                bail!("{series} stays at {value}");
            }
            // polls: the metrics, until they say so
            sleep(LOOK).await;
        }
    }
}
