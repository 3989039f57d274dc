//! Ready list: which of the starts that are under way can go on.
//!
//! Each place for a start has one waker for as long as it exists, so that a start costs no allocation for being waited
//! for, and one that is given up can be taken out from the middle.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::task::{Wake, Waker};

use futures::task::AtomicWaker;
use parking_lot::Mutex;

/// The places that were woken, and who is waiting for that.
#[derive(Debug, Default)]
pub(super) struct Ready {
    woken: Mutex<Vec<usize>>,
    /// Whoever polls the starts.
    pub(super) poller: AtomicWaker,
}

/// What wakes one place.
#[derive(Debug)]
pub(super) struct Place {
    index: usize,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Ready {
    /// Moves the places that were woken into an empty list.
    pub(super) fn take(&self, into: &mut Vec<usize>) {
        std::mem::swap(&mut *self.woken.lock(), into);
    }
}

impl Place {
    pub(super) fn new(index: usize, ready: &Arc<Ready>) -> Arc<Self> {
        Arc::new(Place {
            index,
            queued: AtomicBool::new(false),
            ready: Arc::clone(ready),
        })
    }

    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// To be called before what waits there is polled: it may be woken again from then on.
    pub(super) fn begin(&self) {
        self.queued.store(false, Ordering::Release);
    }
}

impl Wake for Place {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.ready.woken.lock().push(self.index);
            self.ready.poller.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_once_until_it_was_looked_at() {
        let ready = Arc::new(Ready::default());
        let (first, second) = (Place::new(0, &ready), Place::new(1, &ready));
        second.waker().wake();
        second.waker().wake_by_ref();
        first.waker().wake();
        let mut woken = Vec::new();
        ready.take(&mut woken);
        assert_eq!(woken, [1, 0]);
        // Not looked at yet: it is still known to be awake.
        second.waker().wake();
        let mut woken = Vec::new();
        ready.take(&mut woken);
        assert!(woken.is_empty());
        second.begin();
        second.waker().wake();
        ready.take(&mut woken);
        assert_eq!(woken, [1]);
    }
}
