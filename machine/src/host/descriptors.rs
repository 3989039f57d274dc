//! How many files and connections this process may have open.
//!
//! The limit that holds (soft) is often 1,024 where 1,048,576 (hard) would be permitted, for programs that use `select(2)`,
//! which none here does. A process may raise it by itself, and its children have it as well.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit that holds to the one that is permitted, and returns what holds then; none when there is no limit.
pub fn raise_descriptors() -> Option<u64> {
    let given = getrlimit(Resource::Nofile);
    if let Some(raised) = raised(given)
        // What is not permitted after all stays as it was.
        && setrlimit(Resource::Nofile, raised).is_ok()
    {
        return raised.current;
    }
    given.current
}

/// The limit to ask for; none when it holds already.
fn raised(given: Rlimit) -> Option<Rlimit> {
    (given.current != given.maximum).then_some(Rlimit {
        current: given.maximum,
        maximum: given.maximum,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_permitted_holds() {
        let of = |current, maximum| Rlimit { current, maximum };
        assert_eq!(raised(of(Some(1024), Some(4096))), Some(of(Some(4096), Some(4096))));
        assert_eq!(raised(of(Some(1024), None)), Some(of(None, None)));
        assert_eq!(raised(of(Some(4096), Some(4096))), None);
        assert_eq!(raised(of(None, None)), None);
        assert_eq!(raise_descriptors(), getrlimit(Resource::Nofile).maximum);
        assert_eq!(getrlimit(Resource::Nofile).current, getrlimit(Resource::Nofile).maximum);
    }
}
