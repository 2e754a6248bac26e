import { formatJson, parseJson, tryDecodeBase64 } from '../../adapters/choria/wire/index.ts';
import { fieldText } from '../../adapters/mcollective/wire/text.ts';
import { RubyHash, RubyString, RubySymbol, type RubyValue } from '../../codec/ruby/index.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { isMap, type Value, type ValueMap } from '../../envelope/value.ts';
import { isSelected } from './paths.ts';
import { type Redaction, redactRuby, redactValue } from './values.ts';

/** The fields of bodies that the protocols know. Any other is left out: it might hold anything. */
const FIELDS: ReadonlySet<string> = new Set([
  'agent',
  'action',
  'caller',
  'data',
  'process_results',
  'statuscode',
  'statusmsg',
]);

const STATUS = 'statusmsg';
const DATA = 'data';

/** Bodies of discovery, as Ruby's and Go's peers write them; `body.ts` of the wire knows why. */
const DISCOVERY: ReadonlySet<string> = new Set(['ping', 'pong', '"ping"', '"pong"', 'cGluZw==', 'InBpbmci']);

/** A whole body of Choria's JSON, in base64 or not, as it was. @throws Rejection for what is not a body */
export const redactChoriaBody = (message: string, redaction: Redaction): string => {
  if (DISCOVERY.has(message)) return message;
  const plain = /^\s*\{/.test(message);
  const text = plain ? message : tryDecodeBase64(message)?.toString('utf8');
  const body = text === undefined || text === '' ? undefined : parseJson(text);
  if (body === undefined || !isMap(body))
    throw new Rejection('unsupported_body', 'the body is neither a hash nor discovery');
  const clean = formatJson(redactFields(body, redaction));
  return plain ? clean : Buffer.from(clean).toString('base64');
};

/** Twice: the first time it learns the texts that others, which come before them, may quote. */
const twice = <T>(redaction: Redaction, redact: (redaction: Redaction) => T): T => {
  redact({ ...redaction, replaced: undefined });
  return redact(redaction);
};

const isText = (value: unknown): boolean =>
  typeof value === 'string' || value instanceof RubyString || value instanceof RubySymbol;
/** Fields besides data. What else is there might hold anything, and what peers make of that does not depend on what it is. */
const PLAIN: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['agent', isText],
  ['action', isText],
  ['caller', isText],
  ['statuscode', (value) => Number.isInteger(value)],
  ['process_results', (value) => typeof value === 'boolean'],
]);
const isPlain = (name: string, value: unknown): boolean => PLAIN.get(name)?.(value) ?? true;

/** The fields that the protocols know of a request or reply of an agent. */
export const redactFields = (body: ValueMap, redaction: Redaction): ValueMap => {
  const known = [...body].filter(([key]) => FIELDS.has(key));
  // The data first: the sentence may quote it.
  const data = new Map(
    known.flatMap(([key, value]): [string, Value][] =>
      key === DATA
        ? [[key, isNoData(value) ? value : twice(redaction, (it) => redactValue(value, [key], it))]]
        : [],
    ),
  );
  const clean = data.get(DATA);
  if (redaction.reply !== undefined && clean !== undefined) redaction.facts.tell(redaction.reply, clean);
  return new Map(
    known.map(([key, value]): [string, Value] => {
      if (key === STATUS) return [key, redactStatus(value, redaction)];
      return [key, data.get(key) ?? (isPlain(key, value) ? value : null)];
    }),
  );
};

/** Go writes data that it has none of as a text. */
const isNoData = (value: Value): boolean => value === '{}';

const redactStatus = (value: Value, redaction: Redaction): Value => {
  const texts = { ...redaction, selection: { ...redaction.selection, allTexts: false } };
  return redactValue(value, [STATUS], texts);
};

const redactData = (value: RubyValue, redaction: Redaction): RubyValue => {
  const clean = twice(redaction, (it) => redactRuby(value, [DATA], it));
  const { reply, facts, selection } = redaction;
  // A placeholder on the other side may be the very number that it stands for.
  const isChosen = isSelected(selection, [DATA, 'value']);
  return reply === undefined || isChosen ? clean : facts.keep(reply, clean, value);
};

/** The payload of a legacy message. @throws Rejection for what is not one */
export const redactLegacyPayload = (payload: RubyValue, redaction: Redaction): RubyValue => {
  const text = fieldText(payload);
  if (text !== undefined && DISCOVERY.has(text)) return payload;
  if (!(payload instanceof RubyHash))
    throw new Rejection('unsupported_body', 'the payload is neither a hash nor discovery');
  const fields = payload.entries.flatMap(([key, value]) => {
    const name = fieldText(key);
    return name !== undefined && FIELDS.has(name) ? [{ key, name, value }] : [];
  });
  const data = new Map(
    fields.flatMap(({ key, name, value }): [RubyValue, RubyValue][] =>
      name === DATA ? [[key, redactData(value, redaction)]] : [],
    ),
  );
  const status = { ...redaction, selection: { ...redaction.selection, allTexts: false } };
  return new RubyHash(
    fields.map(({ key, name, value }): [RubyValue, RubyValue] => {
      if (name === DATA) return [key, data.get(key) ?? null];
      if (name === STATUS) return [key, redactRuby(value, [name], status)];
      return [key, isPlain(name, value) ? value : null];
    }),
  );
};
