import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { formatJson } from '../../../../src/adapters/choria/wire/index.ts';
import type { SerializerName } from '../../../../src/adapters/mcollective/wire/serializer.ts';
import { fromRuby } from '../../../../src/adapters/mcollective/wire/values.ts';
import { serializers } from './captures.ts';

const script = fileURLToPath(new URL('classes.rb', import.meta.url));
const VALUES = z
  .array(z.object({ name: z.string(), marshal: z.string(), yaml: z.string(), json: z.string().nullable() }))
  .parse(
    JSON.parse(
      execFileSync('ruby', ['-W0', script], { env: { ...process.env, LC_ALL: 'C.UTF-8' } }).toString(),
    ),
  );

/** Where Ruby's `to_s` would say nothing of what is in it, is no ISO 8601, or fails. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'a String of binary': '{"base64":"/w=="}',
  'a Struct with keywords': '{"x":1}',
  OpenStruct: '{"a":1,"b":["2020-01-01"]}',
  'an empty OpenStruct': '{}',
  'a Set': '[1,"b"]',
  'a Time': '"1970-01-01T00:00:00.5Z"',
  'an object': '{"name":"x"}',
  'an object without variables': '"#<Object>"',
  'an object that knows itself': '{"mesg":"not an exception","items":["#<Owner>"]}',
};

const asJson = (format: SerializerName, dump: string): string =>
  formatJson(fromRuby(serializers[format].decode(Buffer.from(dump, 'base64'))));

describe('values of Ruby’s further classes', () => {
  it.each(VALUES)('are as Ruby’s own JSON writes them, out of Marshal: $name', ({ name, marshal, json }) => {
    expect(asJson('marshal', marshal)).toBe(OTHERWISE[name] ?? json);
  });

  it.each(VALUES)('are, out of YAML: $name', ({ name, yaml, json }) => {
    expect(asJson('yaml', yaml)).toBe(OTHERWISE[name] ?? json);
  });
});
