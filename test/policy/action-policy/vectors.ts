import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { EMPTY_FILTER } from '../../../src/envelope/filter.ts';
import type { DialectName } from '../../../src/policy/action-policy/dialects.ts';
import type { PolicyFiles } from '../../../src/policy/action-policy/files.ts';
import type { ActionPolicySettings } from '../../../src/policy/action-policy/read.ts';
import type { Question } from '../../../src/policy/evaluator.ts';

export type Implementation = 'choria' | 'puppet' | 'go';

/** A folder of policies and a request, and what three implementations said of it on a node with these facts and classes. */
export interface Vector {
  readonly id: string;
  readonly files: Readonly<Record<string, string>>;
  readonly options: {
    readonly allow_unconfigured?: string;
    readonly enable_default?: string;
    readonly default_name?: string;
  };
  readonly request: { readonly caller: string; readonly agent: string; readonly action: string };
  readonly facts: Readonly<Record<string, unknown>>;
  readonly classes: readonly string[];
  readonly verdict: Readonly<Record<Implementation, 'allow' | 'deny' | 'error'>>;
  readonly why: Readonly<Record<Implementation, string>>;
}

/** `POLICY_VECTORS` names another file of the same kind. */
export const vectors = (): readonly Vector[] =>
  gunzipSync(readFileSync(process.env['POLICY_VECTORS'] ?? 'fixtures/policy/policy-vectors.ndjson.gz'))
    .toString()
    .trimEnd()
    .split('\n')
    .map((line): Vector => JSON.parse(line));

export const DIALECT_OF: Readonly<Record<Implementation, DialectName>> = {
  choria: 'choria',
  puppet: 'puppet',
  go: 'go-choria',
};

export const question = (caller: string, agent: string, action: string | undefined): Question => ({
  caller,
  as: caller,
  agent,
  action,
  data: new Map(),
  collective: 'mcollective',
  ingress: 'in',
  egress: 'out',
  route: 'in → out',
  filter: EMPTY_FILTER,
  nodes: undefined,
  isService: false,
  requestId: '0123456789abcdef0123456789abcdef',
  time: 0,
  expires: 60_000,
});

export const filesOf = (texts: Readonly<Record<string, string>>): PolicyFiles =>
  new Map(Object.entries(texts).map(([path, text]) => [path.replace('policies/', ''), Buffer.from(text)]));

export const settingsOf = ({ options }: Vector, who: Implementation): ActionPolicySettings => ({
  folder: 'policies',
  dialect: DIALECT_OF[who],
  strict: false,
  allowUnconfigured: options.allow_unconfigured ?? false,
  enableDefault: options.enable_default ?? false,
  defaultName: options.default_name ?? 'default',
});
