//! Which connection takes a start, as the other sides see it. The choice is random with a fixed seed, so that the counts are
//! the same each time.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::Poll,
};

use super::*;

/// What the other side of a connection does with a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Accept,
    Refuse,
    Nothing,
    /// Accepts it, and takes no more.
    Retire,
}

/// What came on each connection, in the order in which they were opened.
#[derive(Default)]
struct Served {
    taken: RefCell<Vec<u64>>,
    answered: Cell<u64>,
}

impl Served {
    fn taken(&self, connection: usize) -> u64 {
        self.taken.borrow()[connection]
    }

    fn total(&self) -> u64 {
        self.taken.borrow().iter().sum()
    }
}

/// Answers all starts as told, by the connection and by how many came on it.
async fn serve(peer: Peer, served: Rc<Served>, does: Rc<dyn Fn(usize, u64) -> Does>) {
    for index in 0.. {
        let mut connection = peer.accept_answered().await;
        served.taken.borrow_mut().push(0);
        let (served, does) = (Rc::clone(&served), Rc::clone(&does));
        spawn_local(async move {
            while let Some(Seen::Start(stream)) = connection.next().await {
                let taken = served.taken(index) + 1;
                served.taken.borrow_mut()[index] = taken;
                let done = does(index, taken);
                match done {
                    Does::Accept | Does::Retire => connection.accept_start(stream).await,
                    Does::Refuse => {
                        let refusal = [("grpc-status", "8")];
                        connection.headers(stream, Some("200"), &refusal, true).await;
                    }
                    Does::Nothing => continue,
                }
                served.answered.set(served.answered.get() + 1);
                if done == Does::Retire {
                    connection.go_away(stream, NO_ERROR).await;
                }
            }
        });
    }
}

/// How many of so many starts, one after the other, each connection took.
async fn taken(starts: u64, does: impl Fn(usize, u64) -> Does + 'static) -> Vec<u64> {
    local(async {
        let peer = Peer::new().await;
        let dialer = dialer(&peer.address(), TIMEOUT);
        let served = Rc::new(Served::default());
        let serving = spawn_local(serve(peer, Rc::clone(&served), Rc::new(does)));
        let mut client = soon(StartClient::connect(dialer, 0, 2)).await.unwrap();
        let mut answered = Vec::new();
        for n in 1..=starts {
            start(&mut client);
            soon(async {
                let is_done = |client: &StartClient| {
                    let counts = client.counts().connections;
                    served.total() == n && counts.opened - counts.retired == 2
                };
                while !is_done(&client) || (answered.len() as u64) < served.answered.get() {
                    let _ = poll_fn(|cx| Poll::Ready(client.poll_answered(cx, &mut answered))).await;
                    tokio::task::yield_now().await;
                }
            })
            .await;
        }
        serving.abort();
        drop(client);
        served.taken.take()
    })
    .await
}

#[tokio::test]
async fn connections_that_answer_at_once_take_the_same_number() {
    let taken = taken(200, |_, _| Does::Accept).await;
    assert!(taken[0].abs_diff(taken[1]) <= 4, "{taken:?}");
}

#[tokio::test]
async fn a_new_connection_is_not_preferred_for_being_new() {
    let does = |connection, taken| match (connection, taken) {
        (0, 50) => Does::Retire,
        _ => Does::Accept,
    };
    let taken = taken(200, does).await;
    assert_eq!(taken.len(), 3);
    assert!((90..=110).contains(&taken[1]), "{taken:?}");
}

/// The other one has more and more unanswered.
#[tokio::test]
async fn a_connection_that_only_refuses_attracts_nothing_until_it_accepts_again() {
    let of_first = async |refused: u64| {
        let does = move |connection, taken| match connection {
            0 if taken > refused => Does::Accept,
            0 => Does::Refuse,
            _ => Does::Nothing,
        };
        taken(40, does).await[0]
    };
    let (refusing, refused) = (of_first(u64::MAX).await, of_first(2).await);
    assert!(refusing < 20 && refused > 25, "{refusing} {refused}");
}
