//! Quantiles of classic histograms, as a Prometheus makes them from buckets.

/// The quantile of buckets, each with its upper edge and the count of all samples up to it; `Ok(None)` when there are none.
///
/// Within a bucket samples are taken to be spread evenly; the lowest begins at zero, and of the highest, which has no edge,
/// only its beginning is known.
///
/// # Errors
/// When the buckets are none of a histogram: counts that fall, or no bucket without an edge. In words.
pub(crate) fn of(quantile: f64, mut buckets: Vec<(f64, f64)>) -> Result<Option<f64>, &'static str> {
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some(&(last, total)) = buckets.last() else {
        return Ok(None);
    };
    if last != f64::INFINITY {
        return Err("has no bucket +Inf");
    }
    if buckets.windows(2).any(|pair| pair[1].1 < pair[0].1) {
        return Err("has buckets that fall");
    }
    if total <= 0.0 {
        return Ok(None);
    }
    let rank = quantile * total;
    let at = buckets
        .iter()
        .position(|(_, count)| *count >= rank)
        .unwrap_or(buckets.len() - 1);
    let (upper, count) = buckets[at];
    let below = at.checked_sub(1).map(|at| buckets[at]);
    if upper == f64::INFINITY {
        return Ok(below.map(|(edge, _)| edge));
    }
    let (lower, before) = match below {
        Some(below) => below,
        None if upper <= 0.0 => return Ok(Some(upper)),
        None => (0.0, 0.0),
    };
    let inside = count - before;
    let share = if inside > 0.0 { (rank - before) / inside } else { 1.0 };
    Ok(Some(lower + (upper - lower) * share))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INF: f64 = f64::INFINITY;

    #[test]
    fn quantiles_lie_within_their_bucket() {
        let buckets = vec![(INF, 10.0), (0.1, 4.0), (0.2, 8.0)];
        assert_eq!(of(0.5, buckets.clone()), Ok(Some(0.1 + 0.1 * 0.25)));
        assert_eq!(of(0.2, buckets.clone()), Ok(Some(0.05)));
        assert_eq!(of(0.95, buckets.clone()), Ok(Some(0.2)), "only its beginning is known");
        assert_eq!(of(0.5, vec![(INF, 3.0)]), Ok(None));
        assert_eq!(of(0.5, vec![(0.1, 0.0), (INF, 0.0)]), Ok(None));
        assert_eq!(of(0.5, Vec::new()), Ok(None));
    }

    #[test]
    fn what_is_no_histogram_is_refused() {
        assert_eq!(
            of(0.5, vec![(0.1, 5.0), (0.2, 4.0), (INF, 9.0)]),
            Err("has buckets that fall")
        );
        assert_eq!(of(0.5, vec![(0.1, 5.0)]), Err("has no bucket +Inf"));
    }

    proptest! {
        #[test]
        fn a_quantile_is_between_the_edges_around_its_rank(
            counts in prop::collection::vec(0_u32..1000, 2..20),
            quantile in 0.01_f64..0.999,
        ) {
            let mut sum = 0.0;
            let mut buckets = Vec::new();
            for (at, count) in counts.iter().enumerate() {
                sum += f64::from(*count);
                let edge = if at + 1 == counts.len() { INF } else { (at + 1) as f64 };
                buckets.push((edge, sum));
            }
            let found = of(quantile, buckets.clone()).unwrap();
            if sum == 0.0 {
                prop_assert_eq!(found, None);
            } else {
                let found = found.unwrap();
                let at_most = buckets.iter().filter(|(edge, _)| *edge < found).map(|(_, count)| *count).fold(0.0, f64::max);
                prop_assert!(at_most <= quantile * sum + 1e-9);
                prop_assert!(found <= (counts.len() - 1) as f64);
            }
        }
    }
}
