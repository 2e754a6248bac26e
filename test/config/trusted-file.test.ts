import { describe, expect, it } from 'vitest';
import { Stranger, type TrustOptions, trustedPath } from '../../src/config/trusted-file.ts';

const FILE = '/etc/mcbridge/own/adapter.js';
const ME = 1000;

interface Owned {
  readonly uid?: number;
  readonly mode?: number;
}

/** Files and folders of root that only root writes, but for some. */
const strangerTo = (file: string, options: TrustOptions): string | undefined => {
  try {
    expect(trustedPath(file, options)).toBe(FILE);
    return undefined;
  } catch (error) {
    if (error instanceof Stranger) return error.message;
    throw error;
  }
};

const ownedWith =
  (others: Readonly<Record<string, Owned>>) =>
  (path: string): Required<Owned> => ({ uid: 0, mode: path === FILE ? 0o100644 : 0o40755, ...others[path] });

const strangerWith = (others: Readonly<Record<string, Owned>>, uid?: number): string | undefined =>
  strangerTo(FILE, { ownedBy: ownedWith(others), ...(uid !== undefined && { uid }) });

describe('a file that nobody else can change', () => {
  it.each<[statement: string, others: Readonly<Record<string, Owned>>]>([
    ["is root's, in folders of root's", {}],
    ["is the running user's", { [FILE]: { uid: ME }, '/etc/mcbridge/own': { uid: ME } }],
    ['may lie below a folder like /tmp', { '/etc': { mode: 0o41777 } }],
    ['may be run, and read by nobody', { [FILE]: { mode: 0o100500 } }],
  ])('%s', (_, others) => {
    expect(strangerWith(others, ME)).toBeUndefined();
  });

  it.each<[statement: string, others: Readonly<Record<string, Owned>>, said: string]>([
    [
      "is not another user's",
      { [FILE]: { uid: 1001 } },
      `${FILE} belongs to the user 1001, and not to root or the user 1000 who runs mcbridge`,
    ],
    [
      'is not written by its group',
      { [FILE]: { mode: 0o100664 } },
      `${FILE} can be written by its group: chmod go-w ${FILE}`,
    ],
    [
      'is not written by everybody',
      { [FILE]: { mode: 0o100646 } },
      `${FILE} can be written by everybody: chmod go-w ${FILE}`,
    ],
    [
      'has not only the sticky bit, which says nothing of a file',
      { [FILE]: { mode: 0o101666 } },
      `${FILE} can be written by its group: chmod go-w ${FILE}`,
    ],
    [
      "is in no folder of another user's",
      { '/etc/mcbridge/own': { uid: 1001 } },
      'the folder /etc/mcbridge/own belongs to the user 1001, and not to root or the user 1000 who runs mcbridge',
    ],
    [
      'is in no folder that its group writes',
      { '/etc/mcbridge/own': { mode: 0o40775 } },
      'the folder /etc/mcbridge/own can be written by its group: chmod go-w /etc/mcbridge/own',
    ],
    [
      'is below no folder that everybody writes',
      { '/etc': { mode: 0o40757 } },
      'the folder /etc can be written by everybody: chmod go-w /etc',
    ],
  ])('%s', (_, others, said) => {
    expect(strangerWith(others, ME)).toBe(said);
  });

  it('is in no folder like /tmp itself, where others could put files beside it', () => {
    expect(strangerWith({ '/etc/mcbridge/own': { mode: 0o41777 } }, ME)).toBe(
      'its group can put files beside it in the folder /etc/mcbridge/own: move it to a folder of its own',
    );
  });

  describe('behind links', () => {
    const LINK = 0o120777;
    const LINKS: Readonly<Record<string, string>> = {
      '/srv/mine/adapter.js': '../here/adapter.js',
      '/srv/here': '/etc/mcbridge/own',
      '/srv/loop': 'loop',
    };
    const strangerBehind = (others: Readonly<Record<string, Owned>>, file = '/srv/mine/adapter.js') => {
      const links = Object.fromEntries(
        Object.keys(LINKS).map((path) => [path, { mode: LINK, ...others[path] }]),
      );
      return strangerTo(file, {
        uid: ME,
        ownedBy: ownedWith({ ...others, ...links }),
        targetOf: (link) => LINKS[link] ?? '',
      });
    };

    it('is found, and the mode of a link says nothing', () => {
      expect(strangerBehind({})).toBeUndefined();
      expect(strangerBehind({ '/srv/mine': { mode: 0o41777 } })).toBeUndefined();
    });

    it.each<[statement: string, others: Readonly<Record<string, Owned>>, said: string]>([
      [
        "is not told by another user's link to what is root's",
        { '/srv/here': { uid: 1001 } },
        'the link /srv/here belongs to the user 1001, and not to root or the user 1000 who runs mcbridge',
      ],
      [
        'is not told by a link that others can replace',
        { '/srv/mine': { mode: 0o40757 } },
        'the folder /srv/mine can be written by everybody: chmod go-w /srv/mine',
      ],
    ])('%s', (_, others, said) => {
      expect(strangerBehind(others)).toBe(said);
    });

    it('is not looked for without end', () => {
      expect(strangerBehind({}, '/srv/loop')).toBe('the link /srv/loop is one of more than 40 links');
    });
  });

  it("is not the running user's own where root runs the program", () => {
    expect(strangerWith({ [FILE]: { uid: ME } }, 0)).toContain('belongs to the user 1000');
  });

  it('is not looked for on a system without such ids', () => {
    expect(trustedPath(import.meta.filename, { uid: null })).toBe(import.meta.filename);
  });
});
