// Checks boards against Grafana's own types and LogQL's own grammar. node check.mjs BOARD.json…, beside node_modules.
//
// Each panel is checked as its plug-in's options and field configuration, everything around it as a classic board. What a board
// does not say is Grafana's default, so that nothing is required; what it says must exist and have the type that it has.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import ts from 'typescript';
import { parser } from '@grafana/lezer-logql';

const PANELS = {
  timeseries: ['timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen', true],
  stat: ['stat/panelcfg/x/StatPanelCfg_types.gen', false],
  table: ['table/panelcfg/x/TablePanelCfg_types.gen', true],
  heatmap: ['heatmap/panelcfg/x/HeatmapPanelCfg_types.gen', true],
  bargauge: ['bargauge/panelcfg/x/BarGaugePanelCfg_types.gen', false],
  text: ['text/panelcfg/x/TextPanelCfg_types.gen', false],
  logs: ['logs/panelcfg/x/LogsPanelCfg_types.gen', false],
};

// In JSON an enumeration is its value.
const PLAIN = `
type Plain<T> = T extends string ? \`\${T}\` : T extends number ? number : T extends boolean ? boolean : T extends null ? null
  : T extends Array<infer U> ? Array<Plain<U>> : T extends object ? { [K in keyof T]?: Plain<T[K]> } : T;
`;

/// The board as a program that compiles when its types are right.
function program(board) {
  const lines = ["import type * as Schema from '@grafana/schema';"];
  for (const [kind, [module]] of Object.entries(PANELS)) {
    lines.push(`import type * as ${kind} from '@grafana/schema/dist/esm/raw/composable/${module}';`);
  }
  lines.push(PLAIN);
  const names = [];
  const declare = (name, type, value) => {
    names.push(name);
    lines.push(`// ${name}`, `const x${names.length}: Plain<${type}> = ${JSON.stringify(value)};`);
  };
  const { panels, ...rest } = structuredClone(board);
  // A data source may keep what it likes beside what Grafana itself knows of an annotation; these are Prometheus'.
  for (const annotation of rest.annotations?.list ?? []) {
    for (const key of ['expr', 'step', 'titleFormat', 'textFormat', 'tagKeys', 'useValueForTime']) delete annotation[key];
  }
  declare('the board', "Omit<Schema.Dashboard, 'panels'>", rest);
  for (const panel of panels) {
    const { options = {}, type, fieldConfig, targets, ...around } = panel;
    if (type === 'row') {
      declare(`row ${panel.title}`, 'Schema.RowPanel', panel);
      continue;
    }
    declare(`panel ${panel.title}`, 'Schema.Panel', around);
    if (!(type in PANELS)) {
      throw new Error(`${panel.title}: no types for ${type}`);
    }
    declare(`options of ${panel.title}`, `${type}.Options`, options);
    const { custom, ...defaults } = fieldConfig?.defaults ?? {};
    declare(`field configuration of ${panel.title}`, 'Schema.FieldConfigSource', { defaults, overrides: fieldConfig?.overrides ?? [] });
    if (custom !== undefined) {
      if (!PANELS[type][1]) {
        throw new Error(`${panel.title}: ${type} has no custom field configuration`);
      }
      declare(`custom field configuration of ${panel.title}`, `${type}.FieldConfig`, custom);
    }
  }
  lines.push('export {};');
  return { text: lines.join('\n'), names };
}

function typeProblems(board) {
  const { text } = program(board);
  const file = 'board.ts';
  const options = { strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, skipLibCheck: true, types: [] };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => name.endsWith(file) || fileExists.call(host, name);
  host.readFile = (name) => (name.endsWith(file) ? text : readFile.call(host, name));
  host.getSourceFile = (name, version, ...more) => (name.endsWith(file) ? ts.createSourceFile(name, text, version, true) : getSourceFile.call(host, name, version, ...more));
  const compiled = ts.createProgram([`${process.cwd()}/${file}`], options, host);
  return ts.getPreEmitDiagnostics(compiled).map((diagnostic) => {
    const before = text.slice(0, diagnostic.start ?? 0);
    const place = [...before.matchAll(/^\/\/ (.*)$/gm)].at(-1)?.[1] ?? 'the types';
    return `${place}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`;
  });
}

function logqlProblems(board) {
  const problems = [];
  for (const panel of board.panels) {
    for (const target of panel.targets ?? []) {
      if (target.datasource?.type !== 'loki') continue;
      const query = target.expr.replace(/\$__(auto|range|interval)/g, '1m').replace(/\$\{?\w+\}?/g, 'x');
      parser.parse(query).iterate({
        enter: (node) => {
          if (node.type.isError) problems.push(`${panel.title}: no LogQL at ${JSON.stringify(query.slice(node.from, node.from + 30))}`);
        },
      });
    }
  }
  return problems;
}

let failed = false;
for (const path of process.argv.slice(2)) {
  const board = JSON.parse(readFileSync(path, 'utf8'));
  for (const problem of [...typeProblems(board), ...logqlProblems(board)]) {
    console.log(`${basename(path)}: ${problem}`);
    failed = true;
  }
}
process.exit(failed ? 1 : 0);
