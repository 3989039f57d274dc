//! A process that has the leader's token and speaks the protocol, and is no member otherwise: it says what it is told to.

use std::{
    path::Path,
    sync::{
        LazyLock,
        atomic::{AtomicU8, Ordering},
    },
};

use benchmark_fleet::wire::{self, fleet_client::FleetClient, window::Body};
use benchmark_generator::load::schedule::Schedule;
use benchmark_machine::host;
use benchmark_scenarios::Plan;
use bytes::Bytes;
use tokio::{net::TcpStream, runtime::Runtime, task::JoinHandle};
use tonic::{
    Request, Status,
    metadata::{BinaryMetadataValue, MetadataValue},
    transport::{Channel, Endpoint},
};

use crate::{crew, members::TOKEN};

const KEY: &str = "fleet-key-bin";
const LARGE: &str = "fleet-large";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
});

pub struct Impostor {
    leader: String,
    client: FleetClient<Channel>,
    request: wire::JoinRequest,
    joined: wire::JoinResponse,
    /// What it was last told to do.
    pub order: wire::Order,
    /// The leader's clock, when it last answered.
    pub now_unix_ns: u64,
    exchanges: u64,
    windows: u64,
}

impl Impostor {
    /// Joins; its name clears a terminal.
    pub fn join(leader: &str, role: wire::Role, name: &str) -> Result<Impostor, Status> {
        static KEYS: AtomicU8 = AtomicU8::new(1);
        let key = [KEYS.fetch_add(1, Ordering::Relaxed); 16];
        let facts = serde_json::to_string(&host::facts(Path::new("/"))).unwrap();
        let request = wire::JoinRequest {
            name: format!("\u{1b}[2J{name}"),
            ..crew::join_request(role, key, &facts)
        };
        let endpoint = Endpoint::from_shared(format!("http://{leader}")).unwrap();
        let mut client = RUNTIME.block_on(async { FleetClient::connect(endpoint).await.unwrap() });
        let joined = RUNTIME.block_on(client.join(with_token(request.clone())))?.into_inner();
        Ok(Impostor {
            leader: leader.to_owned(),
            client,
            now_unix_ns: joined.now_unix_ns,
            request,
            joined,
            order: wire::Order::default(),
            exchanges: 0,
            windows: 0,
        })
    }

    /// Joins again, as something else.
    pub fn join_as(&mut self, role: wire::Role) -> Result<(), Status> {
        let request = wire::JoinRequest {
            role: role.into(),
            ..self.request.clone()
        };
        RUNTIME.block_on(self.client.join(with_token(request))).map(drop)
    }

    /// Sends an exchange as it is, under its key.
    pub fn send(&mut self, message: wire::ExchangeRequest, is_large: bool) -> Result<u64, Status> {
        let message = wire::ExchangeRequest {
            key: self.request.key.clone(),
            ..message
        };
        self.send_as_it_is(message, is_large)
    }

    /// The same with whatever key is in it; the call is made with the right one.
    pub fn send_as_it_is(&mut self, message: wire::ExchangeRequest, is_large: bool) -> Result<u64, Status> {
        let mut request = with_token(message);
        let metadata = request.metadata_mut();
        metadata.insert_bin(KEY, BinaryMetadataValue::from_bytes(&self.request.key));
        if is_large {
            metadata.insert(LARGE, MetadataValue::from_static("1"));
        }
        let response = RUNTIME.block_on(self.client.exchange(request))?.into_inner();
        self.order = response.order.unwrap_or_default();
        self.now_unix_ns = response.now_unix_ns;
        Ok(response.acked)
    }

    /// The next exchange, with these windows and ready for whatever it was last told to do.
    pub fn exchange(&mut self, windows: Vec<wire::Window>) -> Result<u64, Status> {
        self.exchanges += 1;
        let message = wire::ExchangeRequest {
            windows,
            status: Some(wire::Status {
                ready: true,
                iteration: self.order.iteration,
                waiting_for: "\u{1b}[2Jnothing".to_owned(),
                ..Default::default()
            }),
            number: self.exchanges,
            ..Default::default()
        };
        self.send(message, false)
    }

    /// The next window.
    pub fn window(&mut self, body: Body) -> wire::Window {
        self.windows += 1;
        wire::Window {
            sequence: self.windows,
            run: self.order.id_prefix.clone(),
            body: Some(body),
            clock_offset_ns: Some(0),
            ..Default::default()
        }
    }

    /// Tells of something in the next exchange.
    pub fn tell(&mut self, body: Body) -> Result<u64, Status> {
        let window = self.window(body);
        self.exchange(vec![window])
    }

    /// When arrivals are due: their number, and offsets from the beginning.
    pub fn schedule(&self) -> Schedule {
        let plan: Plan = serde_json::from_str(&self.joined.plan_json).unwrap();
        Schedule::new(&plan.load)
    }

    /// Whether the load has begun, asked by an exchange.
    pub fn has_begun(&mut self) -> bool {
        self.exchange(Vec::new()).unwrap();
        self.order.stage() == wire::Stage::Run && self.now_unix_ns >= self.order.start_unix_ns
    }

    /// Begins an exchange, sends a half of its message and then nothing. Ends when the leader does not wait any longer.
    pub fn half_a_message(&self) -> JoinHandle<Result<(), h2::Error>> {
        let address = self.leader.clone();
        let key = BinaryMetadataValue::from_bytes(&self.request.key);
        RUNTIME.spawn(async move {
            let stream = TcpStream::connect(&address).await.unwrap();
            let (mut sender, connection) = h2::client::handshake(stream).await?;
            let driven = tokio::spawn(connection);
            let request = http::Request::post(format!("http://{address}/benchmark.fleet.v1.Fleet/Exchange"))
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .header("authorization", format!("Bearer {TOKEN}"))
                .header(KEY, key.as_encoded_bytes())
                .body(())
                .unwrap();
            let (response, mut body) = sender.send_request(request, false)?;
            // An uncompressed message of 100 bytes, of which three come.
            body.send_data(Bytes::from_static(&[0, 0, 0, 0, 100, 0x0a, 0x10, 1]), false)?;
            let ended = response.await;
            drop(body);
            driven.abort();
            ended.map(drop)
        })
    }
}

/// Waits for something that another thread of this process does.
pub fn finish<T>(task: JoinHandle<T>) -> T {
    RUNTIME.block_on(task).unwrap()
}

fn with_token<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let token = MetadataValue::try_from(format!("Bearer {TOKEN}")).unwrap();
    request.metadata_mut().insert("authorization", token);
    request
}
