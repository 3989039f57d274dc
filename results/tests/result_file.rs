//! The keys in `docs/result-file.md` are those of the schema, explained by the doc comments of the types: `UPDATE_DOCS=1`
//! writes them.

use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

use benchmark_results::json_schema;
use serde_json::{Map, Value};

const BEGIN: &str =
    "<!-- The keys follow from the schema: UPDATE_DOCS=1 cargo test -p benchmark-results --test result_file -->\n";
const END: &str = "<!-- end of the keys -->\n";
/// A type that stands at more places than this is called by its name and not by its first place.
const PLACES_IN_A_HEADING: usize = 3;

#[test]
#[expect(clippy::disallowed_methods, reason = "who runs the test asks for it by a variable")]
fn the_keys_of_the_page_are_those_of_the_schema() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/result-file.md");
    let page = fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page says where the keys begin");
    let (keys, after) = rest.split_once(END).expect("the page says where the keys end");
    let expected = Keys::of(json_schema().as_value()).page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
    } else {
        assert!(keys == expected, "docs/result-file.md is stale: {}", BEGIN.trim());
    }
}

#[test]
fn every_key_has_a_row_and_a_meaning() {
    let schema = json_schema();
    let page = Keys::of(schema.as_value()).page();
    let mut names = BTreeSet::new();
    let mut unexplained = Vec::new();
    properties(schema.as_value(), &mut |name, key| {
        names.insert(name.to_owned());
        if key.get("const").is_none() && key.get("description").is_none() {
            unexplained.push(name.to_owned());
        }
    });
    assert!(names.len() > 150, "{names:?}");
    assert_eq!(unexplained, Vec::<String>::new(), "keys without a doc comment");
    let has_no_row = |name: &&String| !page.contains(&format!("`{name}`"));
    assert_eq!(
        names.iter().filter(has_no_row).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
}

/// Shows every property of a schema, at any depth.
fn properties(schema: &Value, see: &mut impl FnMut(&str, &Value)) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                if let ("properties", Some(properties)) = (key.as_str(), value.as_object()) {
                    properties.iter().for_each(|(name, key)| see(name, key));
                }
                properties(value, see);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| properties(item, see)),
        _ => {}
    }
}

/// A type of the schema that has keys of its own, and where it stands in the file.
struct Section<'a> {
    schema: &'a Value,
    name: Option<&'a str>,
    places: Vec<String>,
}

/// All of them, in the order in which the file has them.
struct Keys<'a> {
    root: &'a Value,
    names: BTreeSet<String>,
    sections: Vec<Section<'a>>,
}

impl<'a> Keys<'a> {
    fn of(root: &'a Value) -> Self {
        let top = Section {
            schema: root,
            name: None,
            places: Vec::new(),
        };
        let mut names = BTreeSet::new();
        properties(root, &mut |name, _| {
            names.insert(name.to_owned());
        });
        let mut keys = Keys {
            root,
            names,
            sections: vec![top],
        };
        keys.visit(root, "");
        keys
    }

    /// Takes in the types of the keys of `schema`, which stands at `path`.
    fn visit(&mut self, schema: &'a Value, path: &str) {
        let mut keys = self.keys(schema);
        keys.extend(self.variants(schema).flat_map(|form| self.keys(form)));
        for (key, value) in keys {
            let place = if path.is_empty() {
                key.to_owned()
            } else {
                format!("{path}.{key}")
            };
            self.enter(kind(self.root, value), place);
        }
    }

    fn enter(&mut self, of: Kind<'a>, place: String) {
        let (schema, place) = match of {
            Kind::Named(name) => (name, place),
            Kind::Fact(inner) => return self.enter(kind(self.root, inner), format!("{place}.value")),
            Kind::List(inner) => return self.enter(kind(self.root, inner), format!("{place}[]")),
            Kind::Map(inner) => return self.enter(kind(self.root, inner), format!("{place}.*")),
            Kind::OrNull(inner) => return self.enter(*inner, place),
            Kind::Words(_) | Kind::Plain(_) => return,
        };
        if let Some(known) = self.sections.iter_mut().find(|section| section.name == Some(schema)) {
            known.places.push(place);
            return;
        }
        let value = definition(self.root, schema);
        self.sections.push(Section {
            schema: value,
            name: Some(schema),
            places: vec![place.clone()],
        });
        self.visit(value, &place);
    }

    /// Keys with their schemas: its own, and those of the type that a variant holds.
    fn keys(&self, schema: &'a Value) -> Vec<(&'a str, &'a Value)> {
        let own = schema.get("properties").and_then(Value::as_object);
        let held = schema
            .get("$ref")
            .and_then(Value::as_str)
            .map(|name| definition(self.root, name));
        let held = held.and_then(|held| held.get("properties")).and_then(Value::as_object);
        let pairs = |map: &'a Map<String, Value>| map.iter().map(|(key, value)| (key.as_str(), value));
        own.into_iter().chain(held).flat_map(pairs).collect()
    }

    /// The forms that an object may have.
    fn variants(&self, schema: &'a Value) -> impl Iterator<Item = &'a Value> + use<'a> {
        let forms = ["oneOf", "anyOf"]
            .iter()
            .find_map(|of| schema.get(of))
            .and_then(Value::as_array);
        forms.into_iter().flatten()
    }

    fn heading(&self, name: &str) -> String {
        let section = self
            .sections
            .iter()
            .find(|section| section.name == Some(name))
            .expect("it was visited");
        if section.places.len() > PLACES_IN_A_HEADING {
            words(name)
        } else {
            format!("`{}`", section.places[0])
        }
    }

    fn page(&self) -> String {
        let mut page = String::from("\n### Top level\n\n");
        self.table(&mut page, &self.keys(self.root));
        for section in &self.sections[1..] {
            let name = section.name.expect("only the top has none");
            let heading = self.heading(name);
            let others = if heading.starts_with('`') {
                &section.places[1..]
            } else {
                &section.places[..]
            };
            writeln!(page, "\n### {heading}\n\n{}", self.meaning(section.schema)).unwrap();
            if !others.is_empty() {
                let others: Vec<String> = others.iter().map(|place| format!("`{place}`")).collect();
                let also = if heading.starts_with('`') { "Also" } else { "At" };
                writeln!(page, "{also} {}.", others.join(", ")).unwrap();
            }
            let common = self.keys(section.schema);
            if !common.is_empty() {
                page.push('\n');
                self.table(&mut page, &common);
            }
            for variant in self.variants(section.schema) {
                self.variant(&mut page, variant);
            }
        }
        page.push('\n');
        page
    }

    /// One form of an object: what tells it, and the keys that only it has.
    fn variant(&self, page: &mut String, variant: &'a Value) {
        let (tags, keys): (Vec<_>, Vec<_>) = self
            .keys(variant)
            .into_iter()
            .partition(|(_, value)| value.get("const").is_some());
        let tags: Vec<String> = tags
            .iter()
            .map(|(key, value)| format!("`{key}` `{}`: ", value["const"].as_str().unwrap_or_default()))
            .collect();
        writeln!(page, "\n{}{}", tags.concat(), self.meaning(variant)).unwrap();
        if !keys.is_empty() {
            page.push('\n');
            self.table(page, &keys);
        }
    }

    fn table(&self, page: &mut String, keys: &[(&'a str, &'a Value)]) {
        page.push_str("| key | is | meaning |\n|---|---|---|\n");
        for (key, value) in keys {
            let mut meaning = self.meaning(value);
            for word in words_of(self.root, kind(self.root, value)) {
                let name = word["const"].as_str().unwrap_or_default();
                write!(meaning, " `{name}`: {}", self.meaning(word)).unwrap();
            }
            let row = format!(
                "| `{key}` | {} | {} |\n",
                self.shown(kind(self.root, value)),
                meaning.replace('|', "\\|")
            );
            page.push_str(&row);
        }
    }

    /// What a value is, for people.
    fn shown(&self, of: Kind<'a>) -> String {
        let inside = |value| self.shown(kind(self.root, value));
        match of {
            Kind::Named(name) => {
                let heading = self.heading(name);
                let mut steps = heading
                    .trim_matches('`')
                    .rsplit('.')
                    .map(|step| step.trim_end_matches("[]"));
                let step = steps.find(|step| *step != "value").unwrap_or_default();
                format!("[{step}](#{})", anchor(&heading))
            }
            Kind::Fact(inner) => format!("fact: {}", inside(inner).trim_end_matches(" or null")),
            Kind::List(inner) => format!("list: {}", inside(inner)),
            Kind::Map(inner) => format!("by name: {}", inside(inner)),
            Kind::OrNull(inner) => format!("{} or null", self.shown(*inner)),
            Kind::Words(_) => "word".into(),
            Kind::Plain(name) => name.into(),
        }
    }

    /// The doc comment on one line, names of fields as they are in the file.
    fn meaning(&self, value: &Value) -> String {
        let text = value.get("description").and_then(Value::as_str).unwrap_or_default();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let parts = text.split('`').enumerate();
        let parts = parts.map(|(index, part)| match camel_case(part) {
            name if index % 2 == 1 && self.names.contains(&name) => name,
            _ => part.into(),
        });
        parts.collect::<Vec<String>>().join("`")
    }
}

/// What a schema describes.
enum Kind<'a> {
    /// An object with a section of its own.
    Named(&'a str),
    /// A discovered fact of this type: `value` and `source`.
    Fact(&'a Value),
    List(&'a Value),
    /// Names that are no fixed keys, each with a value of this type.
    Map(&'a Value),
    OrNull(Box<Kind<'a>>),
    /// One of these words.
    Words(&'a [Value]),
    Plain(&'static str),
}

fn definition<'a>(root: &'a Value, name: &str) -> &'a Value {
    &root["$defs"][name.trim_start_matches("#/$defs/")]
}

fn kind<'a>(root: &'a Value, value: &'a Value) -> Kind<'a> {
    if let Some(name) = value.get("$ref").and_then(Value::as_str) {
        let held = definition(root, name);
        let keys: Vec<&str> = held
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str())
            .collect();
        if keys == ["value", "source"] {
            return Kind::Fact(&held["properties"]["value"]);
        }
        let forms = ["oneOf", "anyOf"]
            .iter()
            .find_map(|of| held.get(of))
            .and_then(Value::as_array);
        let has_keys = |form: &Value| form.get("properties").is_some() || form.get("$ref").is_some();
        return match forms {
            Some(forms) if keys.is_empty() && !forms.iter().any(has_keys) => kind(root, held),
            None if keys.is_empty() => kind(root, held),
            _ => Kind::Named(name.trim_start_matches("#/$defs/")),
        };
    }
    if let Some(forms) = value.get("oneOf").and_then(Value::as_array) {
        return Kind::Words(forms);
    }
    if let Some([held, null]) = value.get("anyOf").and_then(Value::as_array).map(Vec::as_slice) {
        let is_null = null.get("type").and_then(Value::as_str) == Some("null");
        return if is_null {
            Kind::OrNull(Box::new(kind(root, held)))
        } else {
            Kind::Plain("number or text")
        };
    }
    match &value["type"] {
        Value::String(name) => of_type(value, name),
        Value::Array(names) => Kind::OrNull(Box::new(of_type(value, names[0].as_str().unwrap_or_default()))),
        _ => panic!("no words for {value}"),
    }
}

fn of_type<'a>(value: &'a Value, name: &str) -> Kind<'a> {
    match name {
        "string" => Kind::Plain("text"),
        "integer" => Kind::Plain("whole number"),
        "number" => Kind::Plain("number"),
        "boolean" => Kind::Plain("true or false"),
        "array" => Kind::List(&value["items"]),
        "object" => Kind::Map(&value["additionalProperties"]),
        other => panic!("no words for {other}"),
    }
}

/// The words that a value, or each of a list, is one of.
fn words_of<'a>(root: &'a Value, of: Kind<'a>) -> &'a [Value] {
    match of {
        Kind::Words(words) => words,
        Kind::OrNull(inner) => words_of(root, *inner),
        Kind::List(inner) | Kind::Fact(inner) => words_of(root, kind(root, inner)),
        Kind::Named(_) | Kind::Map(_) | Kind::Plain(_) => &[],
    }
}

/// `StartLatency` as `Start latency`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars().filter(|letter| !letter.is_ascii_digit()) {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
            words.extend(letter.to_lowercase());
        } else {
            words.push(letter);
        }
    }
    words
}

/// `start_response` as `startResponse`.
fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| {
        let (initial, rest) = part.split_at(part.len().min(1));
        name + &initial.to_uppercase() + rest
    })
}

/// Where GitHub's links to a heading go.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}
