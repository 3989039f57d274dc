//! A name server that never answers: the system's look-up of a name blocks its thread, for as long as it likes.
//!
//! A few lines of C stand before the system's function, and block whoever calls it while a file is there.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    account,
    bench::{Bench, Going},
    matrix::Case,
    play,
    proxy::{Proxy, script::Strike},
};

/// From a signal to the end: a supervisor kills after this.
const AFTER_A_SIGNAL: Duration = Duration::from_secs(30);

const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    if (access(getenv("HANGS"), F_OK) == 0) {
        close(open(getenv("HUNG"), O_CREAT | O_WRONLY, 0600));
        for (;;) pause();
    }
    return ((look_up *)dlsym(RTLD_NEXT, "getaddrinfo"))(node, service, hints, found);
}
"#;

/// The library, and the files that it looks at and makes.
struct Resolver {
    library: PathBuf,
    hangs: PathBuf,
    hung: PathBuf,
}

impl Resolver {
    fn new(bench: &Bench) -> Self {
        let at = |name: &str| bench.path("../home").join(name);
        let (source, library) = (at("resolver.c"), at("resolver.so"));
        fs::write(&source, SOURCE).unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source)
            .arg("-ldl");
        let built = cc.output().expect("a C compiler, which links Rust programs as well");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Resolver {
            library,
            hangs: at("hangs"),
            hung: at("hung"),
        }
    }

    fn before(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("HANGS", &self.hangs)
            .env("HUNG", &self.hung);
    }

    fn hang(&self) {
        fs::write(&self.hangs, "").unwrap();
    }

    fn until_somebody_hangs(&self, going: &mut Going) {
        going.until("a look-up", |_| self.hung.exists().then_some(()));
    }
}

/// An address whose host is a name that is looked up.
fn named(address: &str) -> String {
    address.replace("127.0.0.1", "localhost")
}

/// The cases of this part.
pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "a name server that never answers, then SIGTERM before the load",
            30,
            a_look_up_that_hangs_before_the_load_holds_no_signal_up,
        ),
        Case::new(
            "a name server that never answers, then SIGTERM in measure",
            40,
            a_look_up_that_hangs_in_the_load_holds_no_signal_up,
        ),
    ]
}

fn a_look_up_that_hangs_before_the_load_holds_no_signal_up() {
    let bench = Bench::new();
    let resolver = Resolver::new(&bench);
    resolver.hang();
    let mut command = bench.against(&named(&play::shared()), "--connect-timeout 1m --output results.json");
    resolver.before(&mut command);
    let mut going = bench.begin(command);
    resolver.until_somebody_hangs(&mut going);
    going.signal(Signal::TERM);
    let begun = Instant::now();
    let finished = going.finish();
    assert!(begun.elapsed() <= AFTER_A_SIGNAL, "{:?}", begun.elapsed());
    assert_eq!(finished.code(), 143, "{finished:?}");
    assert!(finished.stderr.contains("nothing was written"), "{finished:?}");
}

fn a_look_up_that_hangs_in_the_load_holds_no_signal_up() {
    let bench = Bench::new();
    let resolver = Resolver::new(&bench);
    let proxy = Proxy::to(&play::shared());
    let load = "--rate 20 --duration 1m --workers 1 --start-timeout 1m --connect-timeout 1m --task-queue name-hangs \
                --output results.json";
    let mut command = bench.against(&named(&proxy.address()), load);
    resolver.before(&mut command);
    let mut going = bench.begin(command);
    going.until("the measured phase", |going| {
        going.said().contains("\nmeasure 00:").then_some(())
    });
    resolver.hang();
    // All connections are made again, those for starts, those of the workers, and that of the control plane.
    proxy.strike(Strike::Reset);
    resolver.until_somebody_hangs(&mut going);
    going.signal(Signal::TERM);
    let begun = Instant::now();
    let finished = going.finish();
    assert!(begun.elapsed() <= AFTER_A_SIGNAL, "{:?}: {finished:?}", begun.elapsed());
    assert_eq!(finished.code(), 143, "{finished:?}");
    let results = finished.results();
    assert!(results.complete, "{finished:?}");
    account::closes_so_far(&results);
}
