// Packs what generate.rb found out into tables.ts:
//   ruby generate.rb > tables.json && node pack.mjs tables.json
// Layout of the packed bytes, before Brotli: a length (4), that many bytes of JSON, and cells of 16 bits, all little-endian.
// A node is 256 cells, one a byte: 0 none, from 0xd800 a text of the table's own list, from 0xdf00 a node below it, else the code unit.
import { readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';

const TEXT = 0xd800;
const NODE = 0xdf00;

const found = JSON.parse(readFileSync(process.argv[2] ?? 'tables.json', 'utf8'));
const cells = [];
const tables = {};

for (const [name, root] of Object.entries(found.tables)) {
  const at = cells.length;
  const texts = [];
  const waiting = [root];
  for (let index = 0; index < waiting.length; index++) {
    const node = new Array(256).fill(0);
    for (const [byte, entry] of Object.entries(waiting[index])) {
      if (typeof entry !== 'string') node[byte] = NODE + waiting.push(entry) - 1;
      else if (entry.length === 1) node[byte] = entry.charCodeAt(0);
      else {
        const known = texts.indexOf(entry);
        node[byte] = TEXT + (known < 0 ? texts.push(entry) - 1 : known);
      }
    }
    cells.push(...node);
  }
  if (waiting.length > 0x100 || texts.length > NODE - TEXT) throw new Error(`${name} does not fit`);
  tables[name] = { at, texts };
}

const { names, dummies, gb18030, variants, compositions, ruby } = found;
const head = Buffer.from(JSON.stringify({ names, dummies, tables, gb18030, variants, compositions }));
const length = Buffer.alloc(4);
length.writeUInt32LE(head.length);
const whole = Buffer.concat([length, head, Buffer.from(Uint16Array.from(cells).buffer)]);
const packed = brotliCompressSync(whole, {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: whole.length,
  },
});
const lines = packed
  .toString('base64')
  .match(/.{1,1000}/g)
  .join('\n');
writeFileSync(
  new URL('tables.ts', import.meta.url),
  `/** Ruby ${ruby}'s encodings, packed by pack.mjs: ${whole.length} bytes, Brotli, base64. */\nexport const PACKED: string = \`\n${lines}\n\`;\n`,
);
console.log(`${whole.length} bytes, packed ${packed.length}`);
