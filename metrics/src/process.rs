//! The process itself, read from `/proc` at each scrape.

use std::fmt::Error;

use procfs::process::Process;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};

/// The series that Prometheus' own libraries have for every process. Where `/proc` does not tell, a series is missing.
#[derive(Debug)]
pub(crate) struct ProcessSeries;

impl Collector for ProcessSeries {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), Error> {
        let Ok(process) = Process::myself() else {
            return Ok(());
        };
        let mut gauge = |name, help, unit: Option<&Unit>, value: f64| {
            encoder
                .encode_descriptor(name, help, unit, MetricType::Gauge)?
                .encode_gauge(&value)
        };
        if let Ok(files) = process.fd_count() {
            gauge(
                "process_open_fds",
                "Number of open file descriptors",
                None,
                files as f64,
            )?;
        }
        let Ok(stat) = process.stat() else {
            return Ok(());
        };
        let ticks = procfs::ticks_per_second() as f64;
        let memory = stat.rss.saturating_mul(procfs::page_size()) as f64;
        gauge(
            "process_resident_memory",
            "Resident memory size in bytes",
            Some(&Unit::Bytes),
            memory,
        )?;
        if let Ok(boot) = procfs::boot_time_secs() {
            let start = boot as f64 + stat.starttime as f64 / ticks;
            let help = "Start time of the process since unix epoch in seconds";
            gauge("process_start_time", help, Some(&Unit::Seconds), start)?;
        }
        let cpu = (stat.utime + stat.stime) as f64 / ticks;
        let help = "Total user and system CPU time spent in seconds";
        encoder
            .encode_descriptor("process_cpu", help, Some(&Unit::Seconds), MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, f64>(&cpu, None)
    }
}
