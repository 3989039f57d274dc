//! A board as far as it is checked: its panels with their queries, its variables, annotations and links.

use serde_json::Value;

/// A board, read from its classic JSON.
#[derive(Clone, Debug)]
pub struct Board {
    /// Its JSON.
    pub json: Value,
    /// All panels, those of folded rows too, rows left out.
    pub panels: Vec<Panel>,
    /// Its variables.
    pub variables: Vec<Variable>,
    /// Its annotations' queries, by name; Grafana's own ones left out.
    pub annotations: Vec<(String, String)>,
}

/// A panel.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Its JSON.
    pub json: Value,
    /// What stands above it.
    pub title: String,
    /// The plug-in that draws it.
    pub kind: String,
    /// What is asked for it.
    pub targets: Vec<Target>,
    /// Where it is: column, line, width and height in the grid of 24 columns.
    pub grid: Option<[u64; 4]>,
}

/// A query of a panel.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its JSON.
    pub json: Value,
    /// Its letter.
    pub letter: String,
    /// Of Prometheus or Loki.
    pub query: Option<String>,
    /// Of CloudWatch: a search.
    pub search: Option<String>,
}

/// A variable.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its JSON.
    pub json: Value,
    /// Its name.
    pub name: String,
    /// Where its values come from: `datasource`, `query`, `custom`, `textbox`, `constant`, `interval`.
    pub kind: String,
    /// The query, where it is one.
    pub query: Option<String>,
}

fn text(of: &Value) -> String {
    of.as_str().unwrap_or_default().to_owned()
}

fn list(of: &Value) -> impl Iterator<Item = &Value> {
    of.as_array().into_iter().flatten()
}

impl Board {
    /// Reads a board.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn read(json: &str) -> Result<Board, serde_json::Error> {
        Ok(Board::of(serde_json::from_str(json)?))
    }

    /// Takes a board's JSON as it is: what is missing is a matter of [`crate::check()`].
    pub fn of(json: Value) -> Board {
        let mut panels = Vec::new();
        for panel in list(&json["panels"]) {
            if panel["type"] == "row" {
                panels.extend(list(&panel["panels"]).map(Panel::of));
            } else {
                panels.push(Panel::of(panel));
            }
        }
        let variables = list(&json["templating"]["list"]).map(Variable::of).collect();
        let own = list(&json["annotations"]["list"]).filter(|annotation| annotation["builtIn"] != 1);
        let annotations = own
            .map(|annotation| (text(&annotation["name"]), text(&annotation["expr"])))
            .collect();
        Board {
            panels,
            variables,
            annotations,
            json,
        }
    }

    /// Its title.
    pub fn title(&self) -> &str {
        self.json["title"].as_str().unwrap_or_default()
    }

    /// The name that links lead to.
    pub fn uid(&self) -> &str {
        self.json["uid"].as_str().unwrap_or_default()
    }
}

impl Panel {
    fn of(json: &Value) -> Panel {
        let side = |name: &str| json["gridPos"][name].as_u64();
        let grid = || Some([side("x")?, side("y")?, side("w")?, side("h")?]);
        Panel {
            title: text(&json["title"]),
            kind: text(&json["type"]),
            targets: list(&json["targets"]).map(Target::of).collect(),
            grid: grid(),
            json: json.clone(),
        }
    }
}

impl Target {
    fn of(json: &Value) -> Target {
        let some = |name: &str| json[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let search = some("expression");
        Target {
            letter: text(&json["refId"]),
            query: some("expr"),
            search,
            json: json.clone(),
        }
    }
}

impl Variable {
    fn of(json: &Value) -> Variable {
        // Either the query itself, or an object that holds it: Grafana writes both.
        let query = json["query"].as_str().or_else(|| json["query"]["query"].as_str());
        let kind = text(&json["type"]);
        Variable {
            name: text(&json["name"]),
            query: query.filter(|_| kind == "query").map(str::to_owned),
            kind,
            json: json.clone(),
        }
    }

    /// The name and the PromQL selector of `label_values(SELECTOR, LABEL)`, with the label.
    pub fn label_values(&self) -> Option<(&str, &str)> {
        let inner = self
            .query
            .as_deref()?
            .trim()
            .strip_prefix("label_values(")?
            .strip_suffix(')')?;
        let (selector, label) = inner.rsplit_once(',')?;
        Some((selector.trim(), label.trim()))
    }
}
