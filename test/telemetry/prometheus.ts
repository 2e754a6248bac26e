/** One line of a metric. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Exposition {
  /** By metric, as its TYPE line says. */
  readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
  /** The value of the one line with these labels among others. */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
}

const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y;
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (NaN|[+-]Inf|[-+]?[\d.]+(?:e[-+]?\d+)?)$/i;
const SUFFIX = /_(sum|count|bucket)$/;

const labelsOf = (text: string): Record<string, string> => {
  const labels: Record<string, string> = {};
  for (LABEL.lastIndex = 0; LABEL.lastIndex < text.length; ) {
    const from = LABEL.lastIndex;
    const [, name = '', value = ''] = LABEL.exec(text) ?? [];
    if (name === '' || name in labels) throw new Error(`bad labels at ${from}: ${text}`);
    labels[name] = value;
  }
  return labels;
};

/** The text format, version 0.0.4, read as strictly as Prometheus does and a little more. */
export const parseExposition = (text: string): Exposition => {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const types = new Map<string, string>();
  const helped = new Set<string>();
  const samples: Sample[] = [];
  const seen = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, kind, metric = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      if (helped.has(metric)) throw new Error(`HELP twice: ${metric}`);
      helped.add(metric);
    } else if (kind === 'TYPE') {
      if (types.has(metric)) throw new Error(`TYPE twice: ${metric}`);
      if (!['counter', 'gauge', 'summary', 'histogram'].includes(rest)) throw new Error(`no type: ${line}`);
      types.set(metric, rest);
    } else {
      const [, name = '', labelText = '', value = ''] = SAMPLE.exec(line) ?? [];
      if (!types.has(name) && !types.has(name.replace(SUFFIX, ''))) throw new Error(`no TYPE for: ${line}`);
      const series = line.slice(0, line.lastIndexOf(' '));
      if (seen.has(series)) throw new Error(`twice: ${series}`);
      seen.add(series);
      samples.push({ name, labels: labelsOf(labelText), value: Number(value.replace('Inf', 'Infinity')) });
    }
  }
  return {
    types,
    samples,
    value: (name, labels = {}) => {
      const found = samples.filter(
        (one) => one.name === name && Object.entries(labels).every(([key, is]) => one.labels[key] === is),
      );
      const [only] = found;
      if (only === undefined || found.length > 1)
        throw new Error(`${found.length} lines of ${name} with ${JSON.stringify(labels)}`);
      return only.value;
    },
  };
};
