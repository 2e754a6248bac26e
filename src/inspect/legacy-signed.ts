import type { RubyHash } from '../codec/ruby/index.ts';
import type { Document } from './document.ts';
import { fieldsOf, SECOND_MS } from './fields.ts';
import { payloadLayer } from './payload.ts';
import { problemAt } from './problem.ts';
import { shownHash, shownRuby } from './ruby-value.ts';
import { type Layer, layerOf, type Problem } from './tree.ts';

export const isSigned = (hash: RubyHash): boolean => hash.symbol('ssl_msg') !== undefined;

const integer = ({ bytes, hash }: Document, name: string): readonly Problem[] =>
  typeof hash.symbol(name) === 'number'
    ? []
    : [problemAt(bytes, bytes.length, `the signed document has no integer :${name}`)];

/** `{:ssl_msg, :ssl_ttl, :ssl_msgtime}`, the only part of a legacy request that its signature covers. */
export const signedDocument = (document: Document): Layer => {
  const { bytes, hash, serializer } = document;
  const message = hash.symbol('ssl_msg') ?? null;
  const payload = payloadLayer(message, serializer.name, bytes, false);
  return layerOf('legacy-signed', {
    format: serializer.name,
    bytes: bytes.length,
    fields: fieldsOf(shownHash(hash), { without: ['ssl_msg'], times: { ssl_msgtime: SECOND_MS } }),
    problems: [...integer(document, 'ssl_ttl'), ...integer(document, 'ssl_msgtime')],
    inside: [
      payload ??
        layerOf('ruby', {
          format: serializer.name,
          fields: [{ name: 'value', value: shownRuby(message) }],
          problems: [{ message: 'it is neither a discovery ping nor an RPC request' }],
        }),
    ],
  });
};
