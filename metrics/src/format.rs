//! The formats of the page, and which of them a client gets.

use hyper::{HeaderMap, header::ACCEPT};

/// A format of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' protobuf messages, each with its length before it: the only one that carries native histograms.
    Protobuf,
    /// OpenMetrics 1.0 text.
    OpenMetrics,
    /// Prometheus' older text, 0.0.4.
    Plain,
}

/// The formats that have to be named to be given, the preferred one first.
const NAMED: [Format; 2] = [Format::Protobuf, Format::OpenMetrics];

impl Format {
    /// What stands in `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Plain => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// The format for a client that accepts this: the named one of the highest weight, the plain one for whoever names
    /// none. `*/*` is no name: Prometheus' own libraries give the plain format then, and browsers show only that one.
    pub(crate) fn negotiate(headers: &HeaderMap) -> Format {
        let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let ranges: Vec<Range> = accepted.flat_map(|value| value.split(',')).map(Range::parse).collect();
        let weight = |format: Format| {
            let named = ranges.iter().filter(|range| range.names(format));
            named.map(Range::weight).fold(0.0, f64::max)
        };
        let plain = weight(Format::Plain);
        NAMED
            .into_iter()
            .map(|format| (format, weight(format)))
            .filter(|(_, weight)| *weight > 0.0 && *weight >= plain)
            // The first of several that weigh the same.
            .reduce(|best, other| if other.1 > best.1 { other } else { best })
            .map_or(Format::Plain, |(format, _)| format)
    }
}

/// One of the things that a client accepts: its kind, and its parameters after that.
struct Range(Vec<String>);

impl Range {
    fn parse(text: &str) -> Range {
        // Capitals, quotes and spaces make no difference in what is asked for here.
        let text = text.to_ascii_lowercase().replace(['"', ' ', '\t'], "");
        Range(text.split(';').map(str::to_owned).collect())
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.0.iter().skip(1);
        parameters.find_map(|parameter| parameter.strip_prefix(name)?.strip_prefix('='))
    }

    fn weight(&self) -> f64 {
        let Some(weight) = self.parameter("q") else { return 1.0 };
        // What is no weight asks for nothing.
        weight.parse().ok().filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0)
    }

    fn names(&self, format: Format) -> bool {
        let is = |kind: &str| self.0.first().is_some_and(|has| has == kind);
        let version = self.parameter("version");
        match format {
            Format::Protobuf => {
                is("application/vnd.google.protobuf")
                    && self.parameter("proto") == Some("io.prometheus.client.metricfamily")
                    && self.parameter("encoding") == Some("delimited")
            }
            Format::OpenMetrics => is("application/openmetrics-text") && version.is_none_or(|it| it == "1.0.0"),
            Format::Plain => is("text/plain") && version.is_none_or(|it| it == "0.0.4"),
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const PROTOBUF: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

    fn negotiated(accept: &str) -> Format {
        Format::negotiate(&HeaderMap::from_iter([(
            ACCEPT,
            HeaderValue::from_str(accept).unwrap(),
        )]))
    }

    #[test]
    fn who_names_a_format_gets_it() {
        // What Prometheus 3 sends, without and with native histograms.
        let text = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                    application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                    text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        assert_eq!(negotiated(text), Format::OpenMetrics);
        assert_eq!(negotiated(&format!("{PROTOBUF};q=0.6,{text}")), Format::Protobuf);
        assert_eq!(
            negotiated("text/plain, Application/OpenMetrics-Text"),
            Format::OpenMetrics
        );
        assert_eq!(
            negotiated(&format!("application/openmetrics-text, {PROTOBUF}")),
            Format::Protobuf
        );
        let quoted = "application/vnd.google.protobuf; encoding=\"delimited\"; \
                      proto=\"io.prometheus.client.MetricFamily\"";
        assert_eq!(negotiated(quoted), Format::Protobuf);
        assert_eq!(Format::negotiate(&HeaderMap::new()), Format::Plain);
        let plain = [
            "*/*",
            "application/*",
            "text/plain;version=0.0.4",
            "application/openmetrics-text;q=0, text/plain",
            "application/openmetrics-text;q=x",
            "application/openmetrics-text;q=NaN",
            "application/openmetrics-text;version=2.0.0",
            "application/openmetrics-text;q=0.2, text/plain;q=0.3",
            "application/vnd.google.protobuf",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
            ";;==,,;q",
        ];
        for accept in plain {
            assert_eq!(negotiated(accept), Format::Plain, "{accept}");
        }
    }

    proptest! {
        #[test]
        fn the_highest_weight_wins(weights in prop::array::uniform3(0..=1000_u32)) {
            let kinds = [(PROTOBUF, Format::Protobuf), ("application/openmetrics-text", Format::OpenMetrics), ("text/plain", Format::Plain)];
            let accept: Vec<String> = kinds.iter().zip(weights)
                .map(|((kind, _), weight)| format!("{kind};q={:.3}", f64::from(weight) / 1000.0)).collect();
            let most = *weights.iter().max().unwrap();
            let wanted = kinds.iter().zip(weights).find(|(_, weight)| *weight == most && most > 0);
            prop_assert_eq!(negotiated(&accept.join(", ")), wanted.map_or(Format::Plain, |((_, format), _)| *format));
        }

        #[test]
        fn no_header_harms(accept in "[ -~]{0,80}") {
            negotiated(&accept);
        }
    }
}
