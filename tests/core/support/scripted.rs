//! A loopback server that answers as a script says, and remembers what it was asked. It writes its bytes by hand: a
//! well-behaved HTTP library can't break a promise in the ways that are tested here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// By name in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Request {
    /// A parameter of the query.
    pub(crate) fn query(&self, name: &str) -> &str {
        let query = self.target.split_once('?').unwrap().1;
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).unwrap().1
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    fault: Option<Fault>,
}

/// How an answer breaks.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Fault {
    /// The connection is reset once the request is there.
    Reset,
    /// The connection is closed, in good manners, once the request is there.
    Close,
    /// Half of the body, then the end.
    Half,
    /// The body, a byte each 50 ms.
    Drip,
    /// Nothing at all.
    Silence,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), fault: None }
    }

    pub(crate) fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.into(), value.to_string()));
        self
    }

    pub(crate) fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        Self::new(200, "").fault(fault)
    }
}

/// Serves until it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// `script` answers the request, and is told how many came before it.
    pub(crate) async fn start(script: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, script) = (requests.clone(), Arc::new(script));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, script) = (seen.clone(), script.clone());
                tokio::spawn(async move {
                    let _ = serve(stream, &seen, &*script).await;
                });
            }
        });
        Self { url, requests, task }
    }

    /// What was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// How many requests came with this method.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.requests().iter().filter(|request| request.method == method).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address at which nobody listens.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Request>>,
    script: &(impl Fn(&Request, usize) -> Answer + Sync),
) -> std::io::Result<()> {
    let Some(request) = read(&mut stream).await? else { return Ok(()) };
    let answer = {
        let mut seen = seen.lock().unwrap();
        let answer = script(&request, seen.len());
        seen.push(request);
        answer
    };
    let mut head = format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\n", answer.status);
    head += &format!("content-length: {}\r\n", answer.body.len());
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    match answer.fault {
        None => {
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&answer.body).await?;
        }
        Some(Fault::Reset) => {
            stream.set_zero_linger()?;
            return Ok(());
        }
        Some(Fault::Close) => {}
        Some(Fault::Half) => {
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&answer.body[..answer.body.len() / 2]).await?;
        }
        Some(Fault::Drip) => {
            stream.write_all(head.as_bytes()).await?;
            for byte in answer.body {
                stream.write_all(&[byte]).await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Some(Fault::Silence) => std::future::pending().await,
    }
    stream.shutdown().await
}

async fn read(stream: &mut TcpStream) -> std::io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let (method, target) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |n| n.parse::<usize>().unwrap());
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    let body = String::from_utf8(bytes[end + 4..].to_vec()).unwrap();
    Ok(Some(Request { method, target, headers, body }))
}
