//! HTTP/2 by hand, for what no well-behaved client says (RFC 9113, RFC 7541).

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// What a client says first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Types of frames.
pub mod kind {
    /// A part of a body.
    pub const DATA: u8 = 0;
    /// Begins a request.
    pub const HEADERS: u8 = 1;
    /// Gives a stream up.
    pub const RST_STREAM: u8 = 3;
    /// Says how to speak.
    pub const SETTINGS: u8 = 4;
    /// Asks for a sign of life.
    pub const PING: u8 = 6;
    /// Asks to leave.
    pub const GOAWAY: u8 = 7;
    /// Gives room to send.
    pub const WINDOW_UPDATE: u8 = 8;
    /// More headers.
    pub const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub mod flag {
    /// Nothing follows on the stream.
    pub const END_STREAM: u8 = 1;
    /// The headers are complete.
    pub const END_HEADERS: u8 = 4;
}

/// A frame that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 for the connection.
    pub stream: u32,
    /// What it bears.
    pub payload: Vec<u8>,
}

/// A frame as it is sent.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Settings as they are sent.
pub fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let each = settings.iter();
    let payload = each.flat_map(|(name, value)| [name.to_be_bytes().to_vec(), value.to_be_bytes().to_vec()]);
    frame(kind::SETTINGS, 0, 0, &payload.flatten().collect::<Vec<_>>())
}

/// Headers, each a literal that is not indexed and not compressed.
pub fn headers(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// An integer with a prefix of 7 bits.
fn length(block: &mut Vec<u8>, length: usize) {
    let Some(mut rest) = length.checked_sub(127) else {
        return block.push(u8::try_from(length).unwrap_or(0));
    };
    block.push(127);
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap_or(0) | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap_or(0));
}

/// The headers of a gRPC request.
pub fn request(path: &str) -> Vec<u8> {
    headers(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ])
}

/// A gRPC message with its prefix.
pub fn message(compressed: bool, bytes: &[u8]) -> Vec<u8> {
    let mut message = vec![u8::from(compressed)];
    message.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    message.extend(bytes);
    message
}

/// A connection that says what it is told to say.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
}

impl Raw {
    /// Connects and says nothing.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn silent(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// Connects, with settings.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn open(address: SocketAddr, chosen: &[(u16, u32)]) -> std::io::Result<Self> {
        let mut raw = Self::silent(address).await?;
        raw.send(&[PREFACE, &settings(chosen)].concat()).await?;
        Ok(raw)
    }

    /// Sends bytes, as they are.
    ///
    /// # Errors
    /// The server has closed the connection.
    pub async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends the same bytes over and over while the server takes them; whatever it answers is read and dropped, where
    /// `reads`. Says how often it took them.
    pub async fn flood(&mut self, times: usize, reads: bool, next: impl Fn(usize) -> Vec<u8>) -> usize {
        let (mut reader, mut writer) = self.stream.split();
        let sink = async {
            let mut buffer = vec![0; 64 << 10];
            while reads && reader.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
            std::future::pending::<()>().await;
        };
        let mut sent = 0;
        let flood = async {
            for time in 0..times {
                // A server that does not read any more has had enough too.
                let taken = timeout(Duration::from_secs(2), writer.write_all(&next(time))).await;
                if !matches!(taken, Ok(Ok(()))) {
                    return;
                }
                sent = time + 1;
            }
        };
        tokio::select! {
            () = flood => {}
            () = sink => {}
        }
        sent
    }

    /// Sends bytes one by one, with a pause after each.
    ///
    /// # Errors
    /// The server has closed the connection.
    pub async fn drip(&mut self, bytes: &[u8], pause: Duration) -> std::io::Result<()> {
        for byte in bytes {
            self.send(&[*byte]).await?;
            // polls: nothing, it drips: that is what is tested
            sleep(pause).await;
        }
        Ok(())
    }

    /// The next frame; `None` at the end of the connection.
    ///
    /// # Errors
    /// The connection is lost within a frame.
    pub async fn read(&mut self) -> std::io::Result<Option<Frame>> {
        let mut head = [0; 9];
        match self.stream.read_exact(&mut head).await {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.stream.read_exact(&mut payload).await?;
        Ok(Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload }))
    }

    /// Reads until a frame of that type, or the end.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn read_until(&mut self, kind: u8) -> std::io::Result<Option<Frame>> {
        while let Some(frame) = self.read().await? {
            if frame.kind == kind {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// Whether the server closes the connection within some time; what it says until then is dropped.
    pub async fn is_closed_within(&mut self, patience: Duration) -> bool {
        let closed = async {
            let mut buffer = vec![0; 64 << 10];
            while self.stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
        };
        timeout(patience, closed).await.is_ok()
    }
}
