//! An HTTP server on loopback, on threads of its own.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What comes back for a request's head and body; `None` never answers.
type Script = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The server; it listens until the test ends.
pub(crate) struct HttpServer {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl HttpServer {
    pub(crate) fn start(script: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, script): (Arc<Mutex<Vec<String>>>, Script) = (Arc::default(), Arc::new(script));
        let kept = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, script) = (Arc::clone(&kept), Arc::clone(&script));
                thread::spawn(move || serve(stream, &seen, &script));
            }
        });
        Self { port, seen }
    }

    /// Every request so far, head and body.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// An answer with its length.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<String>>, script: &Script) {
    let Some(request) = request(&mut stream) else { return };
    seen.lock().unwrap().push(request.clone());
    if let Some(answer) = script(&request) {
        // A client that has gone needs none.
        let _ = stream.write_all(answer.as_bytes());
        let _ = stream.shutdown(Shutdown::Write);
    }
    while matches!(stream.read(&mut [0; 256]), Ok(count) if count > 0) {}
}

fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text.into_owned());
            }
        }
        let mut chunk = [0; 1024];
        let count = stream.read(&mut chunk).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
    }
}
