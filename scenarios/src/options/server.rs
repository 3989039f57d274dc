//! Options of the embedded server.

use super::{Entry, Shape, options, says, switch, value};
use crate::{ServerPreset, form::Form};

options! { Server:
    /// The `temporal` binary.
    ServerBinary("server-binary"): String = Form::path(), value("FILE")
        .run(says("The `temporal` binary").otherwise("from PATH, the cache, a download, or built with Go"));
    /// Settings of the embedded server.
    ServerPreset("server-preset"): ServerPreset = Form::choice(&[ServerPreset::Cluster, ServerPreset::Stock]),
        value("PRESET")
        .run(says("cluster (dispatches as a cluster would, without the limits that only a one-shard dev server runs into) or \
                   stock (as it comes)")
            .or_since("cluster", "dispatches as a cluster would"));
    /// One dynamic configuration value; the only option whose values add up.
    ServerConfig("server-config"): String = Form::pair(), Entry::new(Shape::Several("KEY=VALUE"))
        .run(says("Dynamic configuration as JSON on top of the preset, as 'history.timerProcessorMaxTimeShift=\"5ms\"'; may \
                   be repeated")
            .otherwise("none"));
    /// Whether the embedded server is left running.
    KeepServer("keep-server"): bool = Form::switch(), switch()
        .run(says("Leave the server running and say how to reach it and end it").otherwise("stop it"));
}
