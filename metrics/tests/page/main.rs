//! The page as a scraper sees it: asked for over loopback, parsed, compared.

mod client;
mod formats;
mod headroom;
mod parse;
mod scrape;
#[cfg(feature = "sdk-exporter")]
mod sdk_exporter;
mod sdk_names;
mod trouble;
