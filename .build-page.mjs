/**
 * Puts the front end of the live page into `dist/page/web`: its own files as they are, the client of the WebSocket ingress as it was built,
 * and the three libraries that it imports, with their licences. Part of `npm run build`.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TARGET = 'dist/page/web';

const read = (name) => {
  try {
    return readFileSync(join('node_modules', name), 'utf8');
  } catch {
    throw new Error(`node_modules/${name} is missing, which the live page needs: run npm ci`);
  }
};
const SOURCE_MAP = /^\/\/# sourceMappingURL=.*$/m;
const module = (name) => read(name).replace(SOURCE_MAP, '');

/** Of uPlot only the script for `<script>` is minified. */
const VENDOR = {
  'preact.js': () => module('preact/dist/preact.mjs'),
  'htm.js': () => module('htm/dist/htm.mjs'),
  'uplot.js': () => `${module('uplot/dist/uPlot.iife.min.js')}\nexport default uPlot;\n`,
  'uplot.css': () => module('uplot/dist/uPlot.min.css'),
  'preact.LICENSE': () => module('preact/LICENSE'),
  'htm.LICENSE': () => module('htm/LICENSE'),
  'uplot.LICENSE': () => module('uplot/LICENSE'),
};

/** What `tsc` has made of `src/websocket-client`; types are nothing to a browser. */
const CLIENT = ['call.js', 'client.js', 'connection.js', 'errors.js'];

rmSync(TARGET, { recursive: true, force: true });
cpSync('src/page/web', TARGET, { recursive: true });
mkdirSync(join(TARGET, 'vendor'));
for (const [name, make] of Object.entries(VENDOR)) writeFileSync(join(TARGET, 'vendor', name), make());
mkdirSync(join(TARGET, 'client'));
for (const name of CLIENT) {
  const text = readFileSync(join('dist/websocket-client', name), 'utf8');
  writeFileSync(join(TARGET, 'client', name), text.replace(SOURCE_MAP, ''));
}
