import type { EgressAdapter, IngressAdapter } from '../../adapters/descriptor.ts';
import type { Checklist } from '../../config/checklist.ts';
import type { NameRules } from '../../config/name-rules.ts';
import { scan, unslashed } from '../../config/pattern/scan.ts';
import type { KeyPath } from '../../config/problem.ts';
import type { Config, IdentityRule, RouteConfig } from '../../setup/types.ts';

type Rule = IdentityRule;

/** What comes before `=`, where a text or an expression says it outright; undefined where it may be several. */
const typeOf = (text: string): string | undefined => /^([^=$]*)=/.exec(text)?.[1];

const typeMatched = ({ match }: Rule): string | undefined => {
  if (match.kind === 'exact') return typeOf(match.name);
  let type = '';
  for (const { kind, text } of scan(unslashed(match.pattern.source))) {
    if (kind === 'literal' && text === '=') return type;
    if (kind === 'literal') type += text;
    else if (kind !== 'start') return undefined;
  }
  return undefined;
};

/** The one name that a rule is for, or yields; undefined where there may be several. */
const nameOf = ({ match }: Rule): string | undefined => (match.kind === 'exact' ? match.name : undefined);
const yieldOf = ({ to }: Rule): string | undefined => (/\$\d/.test(to) ? undefined : to);

const matches = ({ match }: Rule, name: string): boolean =>
  match.kind === 'exact' ? match.name === name : match.pattern.exec(name)?.[0] === name;

const sameMatch = (a: Rule, b: Rule): boolean => {
  const name = nameOf(b);
  if (name !== undefined) return matches(a, name);
  return (
    a.match.kind === 'regex' && b.match.kind === 'regex' && a.match.pattern.source === b.match.pattern.source
  );
};

/** Rules that can never work, or hardly as they were meant: each names who calls, and in whose name the bridge signs. */
export const checkRules = (list: Checklist, config: Config): void => {
  for (const [index, route] of config.routes.entries()) {
    const ingress = config.ingresses.get(route.from);
    const egress = config.egresses.get(route.to);
    if (ingress === undefined || egress === undefined) continue;
    for (const [entry, rule] of route.identities.entries()) {
      const path = ['routes', index, 'identities', entry];
      checkOrder(list, path, rule, route, entry);
      checkCaller(list, path, rule, ingress.adapter);
      checkSigner(list, path, rule, egress.adapter);
    }
  }
};

const checkOrder = (list: Checklist, path: KeyPath, rule: Rule, route: RouteConfig, entry: number): void => {
  const earlier = route.identities.slice(0, entry).findIndex((other) => sameMatch(other, rule));
  if (earlier !== -1)
    list.problem(
      path,
      `rule ${earlier} of this route matches first, so this one is never looked at`,
      'put it before that one, or leave it out',
    );
};

const tellType = (
  list: Checklist,
  path: KeyPath,
  type: string | undefined,
  { names, no, seldom }: { readonly names: NameRules; readonly no: string; readonly seldom: string },
): void => {
  const verdict = type === undefined ? 'yes' : names.type(type);
  const mend = `names there are ${names.form}`;
  if (verdict === 'no') list.problem(path, no, mend);
  if (verdict === 'seldom') list.warning(path, seldom, mend);
};

const checkCaller = (list: Checklist, path: KeyPath, rule: Rule, ingress: IngressAdapter): void => {
  const { names } = ingress;
  const type = typeMatched(rule);
  const at = [...path, rule.match.kind];
  const who = `a caller ${type}=… from ${ingress.name}`;
  tellType(list, at, type, {
    names,
    no: `there is never ${who}, so this rule lets no caller through`,
    seldom: `there is hardly ${who}`,
  });
  const name = nameOf(rule);
  if (name === undefined || names.type(type ?? '') !== 'yes') return;
  const lack = ingress.check.lackFor(name);
  if (lack !== undefined) list.warning(at, lack.message, lack.mend);
};

const checkSigner = (list: Checklist, path: KeyPath, rule: Rule, egress: EgressAdapter): void => {
  const at = [...path, 'to'];
  const type = typeOf(rule.to);
  tellType(list, at, type, {
    names: egress.names,
    no: `the bridge can sign for no caller named ${type}=… towards ${egress.name}, so this rule lets no caller through`,
    seldom: `callers at ${egress.name} are not named ${type}=… as a rule, and nodes may refuse it`,
  });
  const name = yieldOf(rule);
  if (name === undefined) return;
  if (!rule.privileged && egress.privileged.some((pattern) => pattern.test(name)))
    list.problem(
      at,
      `${name} is privileged there, so this rule lets no caller through`,
      'add privileged: true to the rule, if that is meant',
    );
  const lack = egress.check.lackFor(name);
  if (lack !== undefined) list.problem(at, lack.message, lack.mend);
};
