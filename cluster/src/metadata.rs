//! Task metadata: what ECS tells a task about itself.

use std::{net::IpAddr, time::Duration};

use benchmark_results::text;
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use crate::http;

/// The variable in which ECS gives each container the address of what it tells.
pub const ADDRESS: &str = "ECS_CONTAINER_METADATA_URI_V4";
/// The agent answers at once, but for its first moments.
const LIMIT: Duration = Duration::from_secs(10);
/// Longest answer, MiB; a task's has some kilobytes.
const LONGEST: usize = 1;

/// What ECS tells of a container.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Container {
    #[serde(default)]
    networks: Vec<Network>,
}

#[derive(Deserialize)]
struct Network {
    #[serde(rename = "IPv4Addresses", default)]
    addresses: Vec<IpAddr>,
}

/// The address of the first of these containers that has one: all of a task with awsvpc have the same.
pub fn address(containers: &[Container]) -> Option<IpAddr> {
    let networks = containers.iter().flat_map(|container| &container.networks);
    networks.flat_map(|network| &network.addresses).next().copied()
}

/// The address under which others of the network reach this task, from what ECS tells its container at `uri`.
///
/// # Errors
/// When ECS does not answer, or tells no address.
pub async fn task_address(uri: &str) -> Result<IpAddr, String> {
    address(&[read(uri).await?]).ok_or_else(|| format!("{}: no address in it", text::line(uri, 200)))
}

/// Reads what ECS tells at an address.
///
/// # Errors
/// When ECS does not answer, or tells something else.
pub async fn read<T: DeserializeOwned>(uri: &str) -> Result<T, String> {
    let said = |error: &dyn std::fmt::Display| format!("{}: {error}", text::line(uri, 200));
    let url = Url::parse(uri).map_err(|error| said(&error))?;
    let answer = http::get(&url, LIMIT).await.map_err(|error| said(&error))?;
    if answer.status() != 200 {
        return Err(said(&format!("status {}", answer.status().as_u16())));
    }
    let body = http::body(answer, LONGEST, LIMIT).await.map_err(|error| said(&error))?;
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

    #[tokio::test]
    async fn the_address_is_that_of_the_first_network() {
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
        let address = task_address(&format!("http://{at}/v4/abc")).await;
        assert_eq!(address, Ok("10.0.3.17".parse().unwrap()));
        assert!(ecs.join().unwrap().starts_with("GET /v4/abc HTTP/1.1\r\n"));
    }

    #[tokio::test]
    async fn a_task_without_ecs_has_none() {
        let problem = task_address("169.254.170.2").await.unwrap_err();
        assert!(problem.starts_with("169.254.170.2: "), "{problem}");
    }
}
