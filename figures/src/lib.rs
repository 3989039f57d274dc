//! Figures of a run from the server's own metrics.
//!
//! One table of [figures](FIGURES) as data. From it follow the [PromQL](promql::query) that asks a Prometheus for each, and
//! what is [read](Reading) from metrics pages to the same effect. No socket: texts come in, figures go out.

mod answer;
mod ask;
mod figure;
mod gauges;
mod line;
mod matchers;
mod naming;
mod outcome;
mod page;
pub mod promql;
mod quantile;
mod reading;
mod table;
mod term;

pub use answer::{QueryAnswer, Sample};
pub use ask::{FORM, QuerySource, Span, ask, form};
pub use figure::{Absence, Figure, FigureKind, Keep, Level, Matcher, Scope, Series, Test};
pub use matchers::{MatchersError, check as check_matchers};
pub use naming::Names;
pub use outcome::{answered, unanswered};
pub use page::{MAX_BYTES, PageProblem, PageReader, Snapshot};
pub use promql::QueryWindow;
pub use reading::Reading;
pub use table::{FIGURES, figure};
