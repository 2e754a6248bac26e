import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('../../src/', import.meta.url));

const LITERAL =
  /(?<=^|[=(,:[!&|?{};\s])\/(?![*/])((?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[])+)\/([dgimsuvy]*)(?=[\s.,;)\]]|$)/g;

export interface Found {
  /** File below `src` and line. */
  readonly where: string;
  readonly expression: RegExp;
}

/** The regular expressions that a source file below `src` has as literals. */
export const literalsIn = (file: string): readonly Found[] =>
  readFileSync(SOURCES + file, 'utf8')
    .split('\n')
    .flatMap((line, index) => {
      if (/^\s*(?:\*|\/\/|\/\*|import |export \{)/.test(line)) return [];
      return [...line.matchAll(LITERAL)].flatMap(([, source = '', flags = '']) => {
        try {
          return [{ where: `${file}:${index + 1}`, expression: new RegExp(source, flags) }];
        } catch {
          return [];
        }
      });
    });

export const sourceFiles = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
