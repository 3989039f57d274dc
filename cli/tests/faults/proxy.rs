//! A proxy between a program and a Temporal server that does what a script says.
//!
//! It speaks HTTP/2 with both, so that it can treat calls by method and connections by what they carry: it can stall,
//! swallow, reset, refuse, delay, lose answers, retire connections and tell yesterday's counts. The script is data, and a
//! test changes it while the program runs.

mod call;
mod gate;
mod listen;
pub mod script;
mod serve;
mod stale;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::{oneshot, watch};

use self::{
    gate::{Flow, Valve},
    listen::Port,
    script::{Act, Playing, Script, Strike, Wire},
};

/// What a proxy has seen of one method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls read to their end.
    pub seen: u64,
    /// Calls that were answered by the script and not by the server.
    pub refused: u64,
    /// Answers of the server that were passed back.
    pub answered: u64,
    /// Answers that were thrown away.
    pub lost: u64,
}

/// What the proxy's thread and its owner share.
pub struct Shared {
    wire: watch::Sender<Wire>,
    max_age: watch::Sender<Option<Duration>>,
    state: Mutex<State>,
}

struct State {
    target: SocketAddr,
    playing: Playing,
    tallies: BTreeMap<String, Tally>,
    goaways: u64,
    opened: u64,
    valves: Vec<Weak<Valve>>,
    /// The workflow that was started last.
    last_start: String,
    /// The workflow whose row is stale, once one was needed.
    stale_row: Option<String>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A valve for a new connection.
    fn valve(&self) -> Arc<Valve> {
        let mut state = self.state();
        let valve = Valve::new(Flow::from(*self.wire.borrow()));
        state.opened += 1;
        state.valves.retain(|valve| valve.strong_count() > 0);
        state.valves.push(Arc::downgrade(&valve));
        valve
    }

    fn each_valve(&self, act: impl Fn(&Valve)) {
        let valves = self.state().valves.clone();
        valves.iter().filter_map(Weak::upgrade).for_each(|valve| act(&valve));
    }

    fn target(&self) -> SocketAddr {
        self.state().target
    }

    fn decide(&self, method: &str) -> Act {
        let mut state = self.state();
        let act = state.playing.decide(method);
        let tally = state.tallies.entry(method.to_owned()).or_default();
        tally.seen += 1;
        tally.refused += u64::from(matches!(act, Act::Refuse(_)));
        act
    }

    fn count_lost(&self, method: &str) {
        self.state().tallies.entry(method.to_owned()).or_default().lost += 1;
    }

    fn count_answered(&self, method: &str) {
        self.state().tallies.entry(method.to_owned()).or_default().answered += 1;
    }

    fn count_goaway(&self) {
        self.state().goaways += 1;
    }

    fn remember(&self, workflow_id: String) {
        self.state().last_start = workflow_id;
    }

    fn stale_row(&self) -> String {
        let mut state = self.state();
        let last = state.last_start.clone();
        state.stale_row.get_or_insert(last).clone()
    }
}

/// A proxy, for as long as it lives. It runs on a thread of its own.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    over: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy for the server at an address, through which everything passes.
    pub fn to(target: &str) -> Proxy {
        let shared = Arc::new(Shared {
            wire: watch::Sender::new(Wire::Open),
            max_age: watch::Sender::new(None),
            state: Mutex::new(State {
                target: target.parse().expect("an address of a server"),
                playing: Playing::default(),
                tallies: BTreeMap::new(),
                goaways: 0,
                opened: 0,
                valves: Vec::new(),
                last_start: String::new(),
                stale_row: None,
            }),
        });
        let (over, is_over) = oneshot::channel();
        let (listens, address) = std::sync::mpsc::channel();
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("fault-proxy".to_owned())
            .spawn(move || run(of_thread, is_over, &listens))
            .expect("a thread");
        let address = address.recv().expect("its thread says").expect("a free port");
        Proxy {
            address,
            shared,
            over: Some(over),
            thread: Some(thread),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Follows a script from now on.
    pub fn play(&self, script: Script) {
        let (wire, max_age) = (script.wire, script.max_age);
        self.shared.state().playing = Playing::new(script);
        self.shared.max_age.send_replace(max_age);
        self.shared.wire.send_replace(wire);
        // After the wire: a connection that came in between has seen it, or is turned here.
        self.shared.each_valve(|valve| valve.turn(Flow::from(wire)));
    }

    /// Does something to the connections that there are.
    pub fn strike(&self, strike: Strike) {
        self.shared.each_valve(|valve| match strike {
            Strike::Reset => valve.turn(Flow::Broken),
            Strike::HalfOpen => valve.shut_for_ever(),
        });
    }

    /// What was seen of a method.
    pub fn tally(&self, method: &str) -> Tally {
        self.shared.state().tallies.get(method).copied().unwrap_or_default()
    }

    /// Connections that were taken.
    pub fn opened(&self) -> u64 {
        self.shared.state().opened
    }

    /// Connections that were told to go away.
    pub fn goaways(&self) -> u64 {
        self.shared.state().goaways
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the proxy must not be overlooked, and two at once end the process without a word.
            if thread.join().is_err() && !std::thread::panicking() {
                panic!("the fault proxy panicked");
            }
        }
    }
}

fn run(shared: Arc<Shared>, over: oneshot::Receiver<()>, listens: &std::sync::mpsc::Sender<io::Result<SocketAddr>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let set_up = Port::take().and_then(|port| Ok((port.listen(1024)?, port)));
        let (first, port) = match set_up {
            Ok((first, port)) => (first, port),
            Err(error) => return drop(listens.send(Err(error))),
        };
        let _ = listens.send(Ok(port.address()));
        tokio::select! {
            () = listen::listen(port, first, shared) => {}
            _ = over => {}
        }
    });
}
