//! What ECS tells a task about itself.

use std::{net::IpAddr, time::Duration};

use benchmark_results::text;
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use crate::http;

/// The variable in which ECS gives each container the address of what it tells.
pub const ADDRESS: &str = "ECS_CONTAINER_METADATA_URI_V4";
/// The agent answers at once, but for its first moments.
const LIMIT: Duration = Duration::from_secs(10);
/// A task's answer has some kilobytes.
const LONGEST: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    networks: Vec<Network>,
}

#[derive(Deserialize)]
struct Network {
    #[serde(rename = "IPv4Addresses")]
    addresses: Vec<IpAddr>,
}

/// The address under which others of the network reach this task, from what ECS tells its container at `uri`.
///
/// # Errors
/// When ECS does not answer, or tells no address.
pub fn task_address(uri: &str) -> Result<IpAddr, String> {
    let container: Container = read(uri)?;
    let first = container.networks.iter().flat_map(|network| &network.addresses).next();
    first
        .copied()
        .ok_or_else(|| format!("{}: no address in it", text::line(uri, 200)))
}

/// Reads what ECS tells at an address.
///
/// # Errors
/// When ECS does not answer, or tells something else.
pub fn read<T: DeserializeOwned>(uri: &str) -> Result<T, String> {
    let said = |error: &dyn std::fmt::Display| format!("{}: {error}", text::line(uri, 200));
    let url = Url::parse(uri).map_err(|error| said(&error))?;
    let answer = http::get(&url, LIMIT).map_err(|error| said(&error))?;
    if answer.status != 200 {
        return Err(said(&format!("status {}", answer.status)));
    }
    let body = answer.body(LONGEST).map_err(|error| said(&error))?;
    serde_json::from_slice(&body).map_err(|error| said(&error))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use super::*;

    #[test]
    fn the_address_is_that_of_the_first_network() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let ecs = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let read = client.read(&mut request).unwrap();
            let body = r#"{"DockerId": "x", "Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": ["10.0.3.17"], "MACAddress": "0e"}]}"#;
            let length = body.len();
            write!(client, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        let address = task_address(&format!("http://{at}/v4/abc"));
        assert_eq!(address, Ok("10.0.3.17".parse().unwrap()));
        assert!(ecs.join().unwrap().starts_with("GET /v4/abc HTTP/1.0\r\nHost: "));
    }

    #[test]
    fn a_task_without_ecs_has_none() {
        let problem = task_address("169.254.170.2").unwrap_err();
        assert!(problem.starts_with("169.254.170.2: "), "{problem}");
    }
}
