import type { Groups } from './callers.ts';
import type { Dialect } from './dialects.ts';

const NAME = /^[0-9A-Za-z_.-]+$/;

/** What `groups` defines, and what ends every request where it cannot be read, in words. */
export interface GroupsFile {
  readonly groups: Groups;
  readonly fatal?: { readonly line: number; readonly why: string };
}

/** The file `groups`: the last line of a name counts. A line without members is passed over. */
export const readGroups = (bytes: Uint8Array, dialect: Dialect): GroupsFile => {
  const groups = new Map<string, readonly string[]>();
  for (const { number, text, fatal } of dialect.lines(bytes)) {
    if (fatal !== undefined)
      return dialect.refusesBrokenGroups ? { groups, fatal: { line: number, why: fatal } } : { groups };
    if (dialect.comment.test(text)) continue;
    const [name = '', ...members] = dialect.groupWords(text);
    if (NAME.test(name) && members.length > 0) groups.set(name, members);
  }
  return { groups };
};
