import type { RubyLimits } from '../value.ts';

/**
 * Tighter than Marshal's, because YAML costs a hundred times as much to read: up to 10 µs a token with the `yaml`
 * package, for any document (measured, see docs/decisions/0002-yaml.md).
 */
export const DEFAULT_YAML_LIMITS: RubyLimits = {
  maxBytes: 1024 * 1024,
  maxDepth: 64,
  maxElements: 25_000,
};

/** A line `key: value` is two elements and six tokens. */
export const TOKENS_PER_ELEMENT = 4;
export const SPARE_TOKENS = 100;

/** Each line of a text takes as long as a token. A text of 1 MiB in base64, as Ruby breaks it, has a third of these. */
export const MAX_LINES = 50_000;
