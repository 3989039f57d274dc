//! Commands that work from results files alone.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What is compared, and how.
#[derive(Args, Clone, Debug, Default)]
pub struct CompareArgs {
    /// Results files, folders with one, or run ids below runs/: two of them, or all runs of the first side
    #[arg(value_name = "RUN", required_unless_present = "baseline")]
    pub runs: Vec<PathBuf>,
    /// Runs of the second side; those before it are the first
    #[arg(long, value_name = "RUN", num_args = 1.., conflicts_with = "baseline")]
    pub against: Vec<PathBuf>,
    /// The run that each of the others is compared with, one column each
    #[arg(long, value_name = "RUN")]
    pub baseline: Option<PathBuf>,
    /// Folder with earlier runs: the latest of the series that the given runs belong to (as `history` lists it) are the first
    /// side, without those that are given
    #[arg(long, value_name = "DIR", conflicts_with_all = ["against", "baseline", "paired"])]
    pub against_history: Option<PathBuf>,
    /// How many of them, 2 to 100 [default: 10]
    #[arg(long, value_name = "N", requires = "against_history")]
    pub last: Option<u16>,
    /// How the comparison is made and shown.
    #[command(flatten)]
    pub judging: JudgingArgs,
    /// A key that differs on purpose, such as plan.load.rate or a beginning of one; may be repeated
    #[arg(long, value_name = "KEY")]
    pub factor: Vec<String>,
    /// A key that may differ besides; may be repeated
    #[arg(long, value_name = "KEY")]
    pub allow: Vec<String>,
    /// A noise profile; may be repeated [default: where a side has one run, what `noise` stored for these plans and this
    /// environment]
    #[arg(long, value_name = "FILE")]
    pub noise: Vec<PathBuf>,
    /// Pair the runs: auto (where they took turns), yes (the first of a side with the first of the other) or no
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub paired: Paired,
}

/// How a comparison is judged and shown.
#[derive(Args, Clone, Debug, Default)]
pub struct JudgingArgs {
    /// Change that makes no difference: a share up to 50%, a time, or the larger of both; METRIC=… for one metric alone; may
    /// be repeated [default: 3%,1ms]
    #[arg(long, value_name = "MARGIN")]
    pub margin: Vec<String>,
    /// Decide whether it is proven to be at most so much worse: exit code 0 proven, 1 worse, 4 open
    #[arg(long, value_name = "SHARE")]
    pub at_most_worse: Option<String>,
    /// Metrics that decide, with commas between them; an unknown one is answered by all names [default: start-response-p99,e2e-response-p99]
    #[arg(long, value_name = "METRICS", value_delimiter = ',')]
    pub primary: Vec<String>,
    /// Fail with exit code 4 when a deciding metric cannot be told or is slightly worse, and not only when none can be told and
    /// stdout is no terminal
    #[arg(long)]
    pub strict: bool,
    /// How the comparison is shown: terminal, markdown (for a pull request), json (everything) or html (above the report of
    /// all runs)
    #[arg(long, value_name = "FORMAT", default_value = "terminal", hide_possible_values = true)]
    pub format: CompareFormat,
}

/// Whether runs are paired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Paired {
    /// Where they took turns.
    #[default]
    Auto,
    /// The first of one side with the first of the other.
    Yes,
    /// Groups, whatever the times.
    No,
}

/// How a comparison is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// A table for a terminal.
    #[default]
    Terminal,
    /// A table for a pull request.
    Markdown,
    /// Everything, for programs.
    Json,
    /// The table above the report of all runs, in one page.
    Html,
}

/// What is reported.
#[derive(Args, Clone, Debug, Default)]
pub struct ReportArgs {
    /// Results files, folders with one, or run ids below runs/
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// Where the page is written; - for stdout [default: an HTML file beside the first run, or stdout for Markdown]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// html (a page that needs nothing else) or markdown (a short text for a repository)
    #[arg(long, value_name = "FORMAT", default_value = "html", hide_possible_values = true)]
    pub format: ReportFormat,
    /// Write the plots as SVG files into this folder, too
    #[arg(long, value_name = "DIR")]
    pub svg: Option<PathBuf>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// One page that needs nothing else.
    #[default]
    Html,
    /// A short text.
    Markdown,
}

/// Which runs of a folder are told.
#[derive(Args, Clone, Debug, Default)]
pub struct HistoryArgs {
    /// Folder with results files, at any depth
    #[arg(value_name = "DIR", default_value = "runs")]
    pub folder: PathBuf,
    /// Only runs of this plan: the beginning of its hash, in any of them [default: all]
    #[arg(long, value_name = "HASH")]
    pub plan: Option<String>,
    /// Only runs of this version of the program, or its beginning [default: all]
    #[arg(long, value_name = "VERSION")]
    pub program_version: Option<String>,
    /// Only runs with this verdict: valid, overloaded or invalid [default: all]
    #[arg(long, value_name = "VERDICT")]
    pub verdict: Option<String>,
    /// Only runs since this day or instant, as 2026-11-20 [default: all]
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only runs of this workload [default: all]
    #[arg(long, value_name = "NAME")]
    pub workflow_type: Option<String>,
    /// terminal (a table), csv (one line a run) or json (everything)
    #[arg(long, value_name = "FORMAT", default_value = "terminal", hide_possible_values = true)]
    pub format: HistoryFormat,
    /// Fail with exit code 1 when the latest change of a figure in a listed series is for the worse; what a later change made
    /// good does not count, and what is accepted is left out by --since
    #[arg(long)]
    pub fail_on_change: bool,
}

/// How a history is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum HistoryFormat {
    /// A table for a terminal.
    #[default]
    Terminal,
    /// One line a run.
    Csv,
    /// Everything, for programs.
    Json,
}

/// Which run is shown.
#[derive(Args, Clone, Debug, Default)]
pub struct ShowArgs {
    /// Results file, a folder with one, or a run id below runs/
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Link to the run on the board in this Grafana [default: the link in the file]
    #[arg(long, value_name = "URL")]
    pub grafana_url: Option<String>,
}

/// Which run is diagnosed, and by whose figures.
#[derive(Args, Clone, Debug, Default)]
pub struct DiagnoseArgs {
    /// Results file, a folder with one, or a run id below runs/
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Prometheus that is asked for the server's figures of its measured phase [default: those in the file]
    #[arg(long, value_name = "URL")]
    pub prometheus: Option<String>,
    /// Matchers that its series must meet, as cluster="bench" [default: none]
    #[arg(long, value_name = "MATCHERS")]
    pub prometheus_match: Option<String>,
    /// File with lines Name: value that it is asked with, such as a token [default: none]
    #[arg(long, value_name = "FILE")]
    pub prometheus_headers: Option<String>,
}

/// What is exported.
#[derive(Args, Clone, Debug, Default)]
pub struct ExportArgs {
    /// Results file, a folder with one, or a run id below runs/
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// csv (one-second windows), hlog (HdrHistogram interval log), prom (Prometheus' text format) or openmetrics (the same with
    /// the run's end as timestamp)
    #[arg(long, value_name = "FORMAT")]
    pub format: String,
    /// Where it is written; - for stdout; an existing file is never overwritten [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
