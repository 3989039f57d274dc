//! A wire between two processes that can be cut.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Passes bytes on, until it is cut.
pub struct Relay {
    address: String,
    state: Arc<State>,
}

struct State {
    cut: AtomicBool,
    over: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Relay {
    /// A relay to an address.
    pub fn to(target: &str) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(State {
            cut: AtomicBool::new(false),
            over: AtomicBool::new(false),
            streams: Mutex::new(Vec::new()),
        });
        let (target, of_thread) = (target.to_owned(), Arc::clone(&state));
        thread::spawn(move || {
            for incoming in listener.incoming() {
                if of_thread.over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(incoming) = incoming else { continue };
                if !of_thread.cut.load(Ordering::SeqCst)
                    && let Ok(outgoing) = TcpStream::connect(&target)
                {
                    of_thread.pass(incoming, outgoing);
                }
            }
        });
        Relay { address, state }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// Breaks all connections, and every new one.
    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::SeqCst);
        for stream in self.state.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.state.cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        // Wakes the thread that listens.
        let _ = TcpStream::connect(&self.address);
        self.cut();
    }
}

impl State {
    fn pass(&self, one: TcpStream, other: TcpStream) {
        let mut streams = self.streams.lock().unwrap();
        for (from, to) in [(&one, &other), (&other, &one)] {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            thread::spawn(move || {
                let mut buffer = [0; 16 * 1024];
                while let Ok(read @ 1..) = from.read(&mut buffer) {
                    if to.write_all(&buffer[..read]).is_err() {
                        break;
                    }
                }
                let _ = to.shutdown(Shutdown::Both);
                let _ = from.shutdown(Shutdown::Both);
            });
        }
        streams.extend([one, other]);
    }
}
