//! One page read by the program and by a Prometheus: both come to the same figures.

use super::*;

/// A metrics page that two read: whoever scrapes gets it as it is and numbered, everybody else as it was scraped last.
///
/// Two who read it by themselves see it up to a scrape apart, and Prometheus' `rate` goes on to the ends of a window from the
/// samples within: of a window of a minute each second is 1.7 %. What is to be the same is how figures are made of samples, and
/// so both get the same samples.
struct SharedPage {
    address: SocketAddr,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    scrapes: u64,
    text: String,
    /// The scrape that each of the others got.
    read: Vec<u64>,
}

/// Events of a window that are few.
const FEW: f64 = 100.0;

/// The series that numbers a scrape.
const NUMBER: &str = "number_of_scrape";

impl SharedPage {
    fn of(server: &str) -> SharedPage {
        let server: SocketAddr = server.parse().unwrap();
        let known = Arc::new(Mutex::new(Known::default()));
        let shared = Arc::clone(&known);
        let address = stranger(move |_, request| {
            let mut known = shared.lock().unwrap();
            if request.to_lowercase().contains("x-prometheus-scrape-timeout-seconds") {
                let mut page = TcpStream::connect(server).ok()?;
                page.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").ok()?;
                let mut answer = String::new();
                page.read_to_string(&mut answer).ok()?;
                let (_, text) = answer.split_once("\r\n\r\n")?;
                known.scrapes += 1;
                known.text = format!("{text}{NUMBER} {}\n", known.scrapes);
            } else {
                let scrape = known.scrapes;
                known.read.push(scrape);
            }
            Some((200, known.text.clone().into_bytes()))
        });
        SharedPage { address, known }
    }

    fn until_scraped(&self) {
        let begun = Instant::now();
        while self.known.lock().unwrap().scrapes < 2 {
            assert!(begun.elapsed() < LIMIT, "nobody scrapes");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// When Prometheus scraped what the others read first and last after they had a first look, Unix seconds.
    fn window(&self, prometheus: &Prometheus) -> (f64, f64) {
        let read = self.known.lock().unwrap().read.clone();
        let [_, begin, .., end] = read[..] else {
            panic!("{read:?}")
        };
        let scrapes = prometheus.query(&format!("{NUMBER}[10m]"), None).unwrap();
        let [series] = &scrapes.series[..] else {
            panic!("{scrapes:?}")
        };
        let at = |number: u64| {
            let found = series.points.iter().find(|(_, value)| *value == number as f64);
            found
                .unwrap_or_else(|| panic!("scrape {number} of {read:?} did not arrive: {series:?}"))
                .0
        };
        (at(begin), at(end))
    }
}

#[test]
fn a_page_and_a_prometheus_say_the_same() {
    let bench = Bench::new();
    let server = testing::server();
    let page = server.metrics_address();
    let shared = SharedPage::of(page.trim_start_matches("http://").trim_end_matches("/metrics"));
    let prometheus = Prometheus::start(Config {
        interval: Duration::from_secs(2),
        targets: vec![Target {
            labels: vec![("cluster".to_owned(), "bench".to_owned())],
            ..Target::new("temporal", shared.address)
        }],
        ..Config::default()
    });
    shared.until_scraped();
    let namespace = testing::unique("figures");
    // A series that is born within the window is, to `rate`, not there before its second sample: workflow tasks have their first
    // timeouts after ten seconds, which is before, and the first polls come back empty after a minute, which is later.
    let mut command = bench.against(
        &server.address(),
        "--rate 20 --duration 35s --ramp-up 1s --warm-up 14s --workers 1 --output results.json",
    );
    let url = format!("http://{}/metrics", shared.address);
    command.args(["--namespace", &namespace, "--server-metrics", &url]);
    let finished = bench.run(command);
    let by_page = finished.results();
    let by_page = figures(&by_page);
    let (begin, end) = shared.window(&prometheus);
    // A window begins after its first instant. Scrapes have whole milliseconds.
    let window = Duration::from_millis(((end - begin) * 1e3).round() as u64 + 1);
    let asked = |window| QueryWindow {
        namespace: namespace.clone(),
        matchers: None,
        window,
    };
    let mut compared = 0;
    for figure in &by_page.figures {
        let of_workers = figure.query.contains("temporal_");
        // Gauges are looked at every ten seconds; the other figures are of the same samples.
        let of_gauges = figure.query.contains("_over_time") || figure.query.contains("deriv");
        if of_workers || of_gauges {
            continue;
        }
        let of_table = benchmark_figures::figure(&figure.name).unwrap();
        let own = promql::query(of_table, &asked(Duration::from_secs_f64(by_page.seconds)));
        assert_eq!(figure.query, own, "it is what the file says");
        let answer = prometheus
            .query(&promql::query(of_table, &asked(window)), Some(end))
            .unwrap();
        // It remarks that counters without `_total` might be none.
        assert_eq!(answer.warnings, Vec::<String>::new(), "{}", figure.query);
        let Some(page) = figure.value.filter(|value| *value != 0.0) else {
            continue;
        };
        // What happened a few times only may have happened for the first time: to `rate` that is where it begins.
        if figure.unit == FigureUnit::PerSecond && page * by_page.seconds < FEW {
            continue;
        }
        if let Some(busiest) = figure
            .query
            .find("topk(")
            .filter(|_| figure.unit == FigureUnit::Milliseconds)
        {
            // Within the parentheses that milliseconds are made in.
            let calls = figure.query[busiest..].strip_suffix(')').unwrap();
            let calls = prometheus.query(calls, Some(end)).unwrap();
            let calls = calls.series.iter().find(|series| series.labels == figure.labels);
            if calls.is_none_or(|calls| calls.points[0].1 * by_page.seconds < FEW) {
                continue;
            }
        }
        let its_own = |series: &&Series| {
            let mut labels = figure.labels.iter();
            labels.all(|(name, value)| series.labels.get(name) == Some(value))
        };
        // What was not there before the window, such as a timer's first end, likewise.
        let before = promql::query(of_table, &asked(Duration::from_secs(10)));
        let before = prometheus.query(&before, Some(begin)).unwrap();
        if !before.series.iter().any(|series| its_own(&series)) {
            continue;
        }
        let series = answer.series.iter().find(its_own);
        let series = series.unwrap_or_else(|| panic!("{figure:?}: {answer:?}"));
        let asked = series.points.last().unwrap().1;
        // When the page was read is up to a scrape later than when it was scraped: what was counted is compared.
        let (page, asked) = match figure.unit {
            FigureUnit::PerSecond => (page * by_page.seconds, asked * window.as_secs_f64()),
            _ => (page, asked),
        };
        assert!(
            (page - asked).abs() <= 0.02 * page.max(asked),
            "{}{:?}: page {page}, Prometheus {asked}",
            figure.name,
            figure.labels
        );
        compared += 1;
    }
    assert!(compared > 20, "{compared} figures were compared");

    // And asked by the program itself: of a run, and of a stored one.
    let mut command = bench.against(
        &server.address(),
        "--rate 30 --duration 10s --ramp-up 1s --warm-up 1s --workers 1 --output asked.json",
    );
    command.args(["--namespace", &namespace, "--prometheus", &prometheus.url()]);
    command.args(["--prometheus-match", "cluster=\"bench\""]);
    let asked = bench.run(command);
    let asked =
        benchmark_results::file::read(&bench.path("asked.json")).unwrap_or_else(|error| panic!("{error}: {asked:?}"));
    let by_itself = figures(&asked);
    assert_eq!(
        (by_itself.method, &by_itself.problems),
        (FigureMethod::Prometheus, &Vec::new())
    );
    assert!(value(by_itself, names::TRANSITIONS_PER_WORKFLOW) > 2.0, "{by_itself:?}");
    let told = bench.run(bench.command(&[
        "diagnose",
        "results.json",
        "--prometheus",
        &prometheus.url(),
        "--prometheus-match",
        "cluster=\"bench\"",
    ]));
    assert_eq!(told.code(), 0, "{told:?}");
    assert!(told.stdout.contains("state-transitions"), "{told:?}");
}
