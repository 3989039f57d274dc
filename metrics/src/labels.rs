//! Label sets, each kept once.
//!
//! The SDK extends its attributes for every workflow, activity and call, nearly always by values that it has used before.
//! Here such an extension is one look-up that gives back the very object of the last time, so that an instrument finds the
//! series that belongs to it by the object's address.
//!
//! The objects are the SDK's own [`OrderedPromLabelSet`]s and no custom attributes: a worker's heartbeats read label values
//! from the former only.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::Arc,
};

use foldhash::fast::FixedState;
use parking_lot::RwLock;
use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder};
use temporalio_common::telemetry::metrics::{
    MetricAttributes, MetricKeyValue, MetricValue, NewAttributes, OrderedPromLabelSet,
};

/// The labels of one series: names that Prometheus allows, in order, each once. Clones are the same labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Labels(Arc<[(String, String)]>);

impl Labels {
    fn of(set: &OrderedPromLabelSet) -> Labels {
        let named: BTreeMap<String, String> = set
            .as_prom_labels()
            .into_iter()
            .map(|(name, value)| (label_name(name), value))
            .collect();
        Labels(named.into_iter().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(has, _)| has == name)
            .map(|(_, value)| value.as_str())
    }
}

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder) -> Result<(), std::fmt::Error> {
        self.0.iter().try_for_each(|label| label.encode(encoder.encode_label()))
    }
}

/// `name` with all that a label's name must not have replaced by `_`.
fn label_name(name: &str) -> String {
    match name {
        // The page needs this one for itself.
        "le" => "le_".to_owned(),
        name => allowed(name, |c| c.is_ascii_alphanumeric() || c == '_'),
    }
}

/// `name` with all that a series' name must not have replaced by `_`.
pub(crate) fn series_name(name: &str) -> String {
    allowed(name, |c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

fn allowed(name: &str, allow: impl Fn(char) -> bool) -> String {
    let mut out: String = name.chars().map(|c| if allow(c) { c } else { '_' }).collect();
    if out.starts_with(|c: char| c.is_ascii_digit()) || out.is_empty() {
        out.insert(0, '_');
    }
    out
}

/// The address of a label set that its [`Interner`] keeps alive, and so an identity.
pub(crate) type Address = usize;

fn address(set: &Arc<OrderedPromLabelSet>) -> Address {
    Arc::as_ptr(set) as Address
}

/// Maps by address.
pub(crate) type ByAddress<T> = HashMap<Address, T, FixedState>;

/// Most label sets of a registry. A worker has some hundred; types of workflows and activities are whatever somebody starts
/// on its queue. What is beyond is recorded under one set, as OpenTelemetry does it.
const MOST_SETS: usize = 10_000;

/// All label sets of a registry, each once.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    hasher: RandomState,
    kept: RwLock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    sets: HashMap<Labels, Arc<OrderedPromLabelSet>>,
    labels: ByAddress<Labels>,
    /// What is recorded beyond [`MOST_SETS`].
    overflow: Option<Arc<OrderedPromLabelSet>>,
    /// By hash, because a key would have to own what is looked for.
    extensions: HashMap<u64, Vec<Extension>>,
}

#[derive(Debug)]
struct Extension {
    of: Address,
    by: Vec<MetricKeyValue>,
    gives: Arc<OrderedPromLabelSet>,
}

impl Interner {
    /// Attributes with just these labels.
    pub(crate) fn attributes(&self, attributes: NewAttributes) -> MetricAttributes {
        let labels = self.keep(attributes.into());
        MetricAttributes::Prometheus { labels }
    }

    /// `existing` with `new` added or put in their places.
    pub(crate) fn extended(&self, existing: &Arc<OrderedPromLabelSet>, new: NewAttributes) -> MetricAttributes {
        let new = new.attributes;
        let of = address(existing);
        let hash = self.hash(of, &new);
        if let Some(labels) = self.kept.read().extension(hash, of, &new) {
            return MetricAttributes::Prometheus { labels };
        }
        let mut set = OrderedPromLabelSet::clone(existing);
        for label in new.iter().cloned() {
            set.add_kv(label);
        }
        let labels = self.keep(set);
        let mut kept = self.kept.write();
        // A set that is not kept may be freed and its address given to another. A value that does not equal itself
        // (NaN) would never be found again.
        #[expect(clippy::eq_op, reason = "a label with the value NaN does not equal itself")]
        let findable = kept.labels.contains_key(&of) && new == new;
        let is_overflow = kept
            .overflow
            .as_ref()
            .is_some_and(|overflow| Arc::ptr_eq(overflow, &labels));
        if findable && !is_overflow && kept.extension(hash, of, &new).is_none() {
            kept.extensions.entry(hash).or_default().push(Extension {
                of,
                by: new,
                gives: labels.clone(),
            });
        }
        MetricAttributes::Prometheus { labels }
    }

    /// The labels of attributes, with their address if they are kept here. `None`: not attributes of a meter of ours.
    pub(crate) fn labels(&self, attributes: &MetricAttributes) -> Option<(Option<Address>, Labels)> {
        let set = match attributes {
            MetricAttributes::Prometheus { labels } => labels,
            MetricAttributes::Empty => return Some((None, Labels::default())),
            _ => return None,
        };
        let kept = self.kept.read().labels.get(&address(set)).cloned();
        Some(match kept {
            Some(labels) => (Some(address(set)), labels),
            None => (None, Labels::of(set)),
        })
    }

    fn keep(&self, set: OrderedPromLabelSet) -> Arc<OrderedPromLabelSet> {
        let labels = Labels::of(&set);
        let mut kept = self.kept.write();
        if let Some(set) = kept.sets.get(&labels) {
            return set.clone();
        }
        if kept.sets.len() >= MOST_SETS {
            return kept.overflow();
        }
        kept.insert(labels, set)
    }

    fn hash(&self, of: Address, by: &[MetricKeyValue]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        of.hash(&mut hasher);
        for MetricKeyValue { key, value } in by {
            key.hash(&mut hasher);
            match value {
                MetricValue::String(value) => value.hash(&mut hasher),
                MetricValue::Int(value) => value.hash(&mut hasher),
                // Zero equals minus zero.
                MetricValue::Float(value) => (value + 0.0).to_bits().hash(&mut hasher),
                MetricValue::Bool(value) => value.hash(&mut hasher),
            }
        }
        hasher.finish()
    }
}

impl Kept {
    fn insert(&mut self, labels: Labels, set: OrderedPromLabelSet) -> Arc<OrderedPromLabelSet> {
        let set = Arc::new(set);
        self.labels.insert(address(&set), labels.clone());
        self.sets.insert(labels, set.clone());
        set
    }

    /// The one set that stands for all that there is no room for.
    fn overflow(&mut self) -> Arc<OrderedPromLabelSet> {
        if let Some(overflow) = &self.overflow {
            return overflow.clone();
        }
        let mut set = OrderedPromLabelSet::new();
        set.add_kv(MetricKeyValue::new("otel_metric_overflow", true));
        let overflow = self.insert(Labels::of(&set), set);
        self.overflow = Some(overflow.clone());
        overflow
    }

    fn extension(&self, hash: u64, of: Address, by: &[MetricKeyValue]) -> Option<Arc<OrderedPromLabelSet>> {
        let found = self.extensions.get(&hash)?;
        let found = found
            .iter()
            .find(|extension| extension.of == of && extension.by == by)?;
        Some(found.gives.clone())
    }
}

/// The address by which an instrument may find what it bound to these attributes before. Not every set with an address is
/// kept; those that are not are never bound by it.
pub(crate) fn address_of(attributes: &MetricAttributes) -> Option<Address> {
    match attributes {
        MetricAttributes::Prometheus { labels } => Some(address(labels)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(attributes: &MetricAttributes) -> &Arc<OrderedPromLabelSet> {
        match attributes {
            MetricAttributes::Prometheus { labels } => labels,
            other => panic!("{other:?}"),
        }
    }

    fn new(labels: &[(&'static str, &'static str)]) -> NewAttributes {
        labels
            .iter()
            .map(|(name, value)| MetricKeyValue::new(*name, *value))
            .into()
    }

    #[test]
    fn the_same_labels_are_the_same_object() {
        let interner = Interner::default();
        let one = interner.attributes(new(&[("a", "1"), ("b", "2")]));
        let again = interner.attributes(new(&[("b", "2"), ("a", "1")]));
        assert!(Arc::ptr_eq(set(&one), set(&again)));

        let start = interner.attributes(new(&[("a", "1")]));
        for _ in 0..3 {
            let extended = interner.extended(set(&start), new(&[("b", "2")]));
            assert!(Arc::ptr_eq(set(&one), set(&extended)));
        }
        let other = interner.extended(set(&one), new(&[("b", "3")]));
        let (address, labels) = interner.labels(&other).unwrap();
        assert!(address.is_some());
        assert_eq!(labels.get("a"), Some("1"));
        assert_eq!(labels.get("b"), Some("3"));
    }

    #[test]
    fn a_stranger_is_read_and_not_remembered() {
        let interner = Interner::default();
        let mut stranger = OrderedPromLabelSet::new();
        stranger.add_kv(MetricKeyValue::new("a", "1"));
        let stranger = Arc::new(stranger);
        let attributes = MetricAttributes::Prometheus {
            labels: stranger.clone(),
        };
        let (address, labels) = interner.labels(&attributes).unwrap();
        assert_eq!(address, None);
        assert_eq!(labels.get("a"), Some("1"));
        interner.extended(&stranger, new(&[("b", "2")]));
        assert!(interner.kept.read().extensions.is_empty());
        assert_eq!(
            interner.labels(&MetricAttributes::Empty),
            Some((None, Labels::default()))
        );
        assert_eq!(interner.labels(&MetricAttributes::NoOp(Arc::default())), None);
    }

    #[test]
    fn types_that_strangers_make_up_do_not_pile_up() {
        let interner = Interner::default();
        let of = |n: usize| {
            let label = MetricKeyValue::new("workflow_type", n.to_string());
            interner.extended(
                set(&interner.attributes(new(&[("a", "1")]))),
                NewAttributes::new(vec![label]),
            )
        };
        let first = of(0);
        for n in 0..MOST_SETS + 100 {
            of(n);
        }
        let kept = interner.kept.read();
        assert_eq!(kept.sets.len(), MOST_SETS + 1);
        assert!(kept.extensions.len() < MOST_SETS);
        drop(kept);
        assert!(Arc::ptr_eq(set(&first), set(&of(0))), "who was there first stays");
        let (one, two) = (of(MOST_SETS * 2), of(MOST_SETS * 3));
        assert!(Arc::ptr_eq(set(&one), set(&two)));
        let (_, labels) = interner.labels(&one).unwrap();
        assert_eq!(labels.get("otel_metric_overflow"), Some("true"));
    }

    #[test]
    fn a_value_that_does_not_equal_itself_does_not_pile_up() {
        let interner = Interner::default();
        let start = interner.attributes(NewAttributes::default());
        let nan = || NewAttributes::new(vec![MetricKeyValue::new("a", f64::NAN)]);
        let one = interner.extended(set(&start), nan());
        let two = interner.extended(set(&start), nan());
        assert!(Arc::ptr_eq(set(&one), set(&two)));
        assert!(interner.kept.read().extensions.is_empty());
    }

    #[test]
    fn names_are_made_allowed() {
        assert_eq!(label_name("poller-type"), "poller_type");
        assert_eq!(label_name("1ä:b"), "_1__b");
        assert_eq!(label_name(""), "_");
        assert_eq!(label_name("le"), "le_");
        assert_eq!(series_name("a:b.c-d"), "a:b_c_d");
        let mut set = OrderedPromLabelSet::new();
        set.add_kv(MetricKeyValue::new("a.b", "1"));
        set.add_kv(MetricKeyValue::new("a_b", "2"));
        assert_eq!(Labels::of(&set).0.len(), 1, "a name twice would spoil the page");
    }
}
