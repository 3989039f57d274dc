//! The writing against receivers that are scripted, by a clock that stands still unless it is waited for.

use std::sync::Mutex;

use super::*;

/// Answers the page of this number at this time since the beginning, after a while; pages that were taken are noted.
type Script = dyn Fn(u32, Duration) -> (Duration, Answer) + Send + Sync;

#[derive(Default)]
struct Noted {
    taken: Vec<u32>,
    asked: Vec<Duration>,
    said: Vec<String>,
}

/// Writes for so long, and gives so long for the rest.
async fn write(script: Arc<Script>, seconds: u64, rest: Duration) -> (Written, Arc<Mutex<Noted>>) {
    let noted = Arc::new(Mutex::new(Noted::default()));
    let begun = Instant::now();
    let mut number = 0;
    let make = move |_| {
        number += 1;
        Some(Bytes::from(u32::to_be_bytes(number).to_vec()))
    };
    let seen = Arc::clone(&noted);
    let send = move |page: Bytes| {
        let number = u32::from_be_bytes(page[..].try_into().unwrap());
        let elapsed = begun.elapsed();
        let (while_, answer) = script(number, elapsed);
        seen.lock().unwrap().asked.push(elapsed);
        let seen = Arc::clone(&seen);
        async move {
            tokio::time::sleep(while_).await;
            if answer == Answer::Taken {
                seen.lock().unwrap().taken.push(number);
            }
            answer
        }
        .boxed()
    };
    let heard = Arc::clone(&noted);
    let said = Arc::new(move |line: String| heard.lock().unwrap().said.push(line));
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(run(make, send, stopped, said));
    tokio::time::sleep(Duration::from_secs(seconds) - Duration::from_millis(1)).await;
    stop.send(Instant::now() + rest).unwrap();
    (task.await.unwrap(), noted)
}

fn later() -> Answer {
    Answer::Later(None, "answered 503".to_owned())
}

const SOON: Duration = Duration::from_millis(5);
const REST: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn every_second_is_taken_and_then_the_last_page_and_the_end() {
    let (written, noted) = write(Arc::new(|_, _| (SOON, Answer::Taken)), 10, REST).await;
    assert_eq!((written.taken, written.lost, written.problem), (12, 0, None));
    let noted = noted.lock().unwrap();
    assert_eq!(noted.taken, (1..=12).collect::<Vec<_>>());
    assert!(noted.said.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_away_for_20_seconds_gets_everything_in_order() {
    let away = |_, at: Duration| {
        let is_away = (5..25).contains(&at.as_secs());
        (SOON, if is_away { later() } else { Answer::Taken })
    };
    let (written, noted) = write(Arc::new(away), 60, REST).await;
    assert_eq!((written.taken, written.lost), (62, 0));
    let noted = noted.lock().unwrap();
    assert_eq!(noted.taken, (1..=62).collect::<Vec<_>>());
    assert_eq!(noted.said, ["remote write: answered 503"], "once");
    // From 30 ms up to 5 s apart: some dozen attempts, not thousands.
    let while_away = noted.asked.iter().filter(|at| (5..25).contains(&at.as_secs())).count();
    assert!((8..20).contains(&while_away), "{while_away}");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_asked_to_wait_waits() {
    let busy = |_, at: Duration| {
        let answer = match at.as_secs() {
            3..10 => Answer::Later(Some(Duration::from_secs(4)), "answered 429".to_owned()),
            _ => Answer::Taken,
        };
        (SOON, answer)
    };
    let (written, noted) = write(Arc::new(busy), 20, REST).await;
    assert_eq!((written.taken, written.lost), (22, 0));
    let asked = noted.lock().unwrap();
    let in_between = asked.asked.iter().filter(|at| (3..10).contains(&at.as_secs())).count();
    assert_eq!(in_between, 2, "{:?}", asked.asked);
}

#[tokio::test(start_paused = true)]
async fn a_second_that_is_refused_is_lost_and_the_others_are_not() {
    let picky = |number: u32, _| {
        let refused = number.is_multiple_of(3);
        let answer = Answer::Refused("answered 400: out of bounds".to_owned());
        (SOON, if refused { answer } else { Answer::Taken })
    };
    let (written, noted) = write(Arc::new(picky), 10, REST).await;
    assert_eq!((written.taken, written.lost), (8, 4));
    assert_eq!(written.problem.as_deref(), Some("answered 400: out of bounds"));
    assert_eq!(noted.lock().unwrap().said.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_stalls_is_left_when_time_is_up() {
    let stalls = |_, _| (Duration::from_secs(3_600), Answer::Taken);
    let begun = Instant::now();
    let (written, _) = write(Arc::new(stalls), 30, REST).await;
    assert_eq!((written.taken, written.lost), (0, 32));
    assert!(begun.elapsed() < Duration::from_secs(41), "{:?}", begun.elapsed());
    // With no time left, nothing is waited for.
    let begun = Instant::now();
    let (written, _) = write(Arc::new(|_, _| (SOON, later())), 5, Duration::ZERO).await;
    assert_eq!(written.taken, 0);
    assert!(begun.elapsed() < Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_never_comes_costs_all_but_five_minutes() {
    let (written, _) = write(Arc::new(|_, _| (SOON, later())), 400, Duration::from_secs(1)).await;
    assert_eq!((written.taken, written.lost), (0, 402));
    // One that comes back late has the last five minutes.
    let back = |_, at: Duration| (SOON, if at.as_secs() < 390 { later() } else { Answer::Taken });
    let (written, noted) = write(Arc::new(back), 400, REST).await;
    assert_eq!(written.taken + written.lost, 402);
    assert!((295..=312).contains(&written.taken), "{written:?}");
    assert!(noted.lock().unwrap().taken.is_sorted());
}

#[test]
fn a_receiver_says_in_seconds_or_by_date_how_long_it_wants_to_be_left_alone() {
    // Sun, 06 Nov 1994 08:49:37 GMT, the standard's own example.
    let then = UNIX_EPOCH + Duration::from_secs(784_111_777);
    let before = then - Duration::from_secs(90);
    for (text, now, waited) in [
        ("120", then, Some(120)),
        (" 0 ", then, Some(0)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", before, Some(90)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", before, Some(90)),
        ("Sun Nov  6 08:49:37 1994", before, Some(90)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", then + Duration::from_secs(1), Some(0)),
        ("soon", then, None),
        ("-1", then, None),
        ("1.5", then, None),
    ] {
        assert_eq!(retry_after(text, now), waited.map(Duration::from_secs), "{text}");
    }
}
