import type { Callers, Groups } from './callers.ts';
import type { Dialect, Fields } from './dialects.ts';
import { fieldsOf } from './dialects.ts';
import type { Effects } from './effects.ts';

/** What a line says, in a dialect. */
export type Entry = { readonly line: number; readonly text: string } & (
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unread' }
  | { readonly kind: 'fatal'; readonly why: string }
  | { readonly kind: 'default'; readonly allows: boolean }
  | { readonly kind: 'skipped'; readonly fields: Fields }
  | Rule
);

export interface Rule {
  readonly kind: 'rule';
  readonly fields: Fields;
  readonly callers: Callers;
  /** Undefined: all. */
  readonly actions: readonly string[] | undefined;
  /** What the facts and classes of a node may come to. */
  readonly node: Effects;
}

const ruleOf = (fields: Fields, groups: Groups, dialect: Dialect): Rule => ({
  kind: 'rule',
  fields,
  callers: dialect.callers(fields.callers, groups),
  actions: fields.actions === '*' ? undefined : dialect.words(fields.actions),
  node: dialect.nodePart(fields.facts, fields.classes),
});

/** The lines of a file `*.policy`. */
export const readPolicyFile = (bytes: Uint8Array, groups: Groups, dialect: Dialect): readonly Entry[] =>
  dialect.lines(bytes).map(({ number, text, fatal }): Entry => {
    const place = { line: number, text };
    if (fatal !== undefined) return { ...place, kind: 'fatal', why: fatal };
    if (dialect.comment.test(text)) return { ...place, kind: 'nothing' };
    const verdict = dialect.defaultLine.exec(text)?.[1];
    if (verdict !== undefined) return { ...place, kind: 'default', allows: verdict === 'allow' };
    const fields = fieldsOf(text);
    if (fields === undefined) return { ...place, kind: 'unread' };
    if (dialect.isSkipped(fields.facts, fields.classes)) return { ...place, kind: 'skipped', fields };
    return { ...place, ...ruleOf(fields, groups, dialect) };
  });
