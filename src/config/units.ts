const IN_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

const IN_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1000,
  MB: 1000 ** 2,
  KiB: 1024,
  MiB: 1024 ** 2,
  GB: 1000 ** 3,
  GiB: 1024 ** 3,
};

const withUnit = (
  value: unknown,
  form: RegExp,
  factors: Readonly<Record<string, number>>,
): number | undefined => {
  const match = form.exec(String(value));
  const factor = factors[match?.[2] ?? ''];
  if ((typeof value !== 'string' && typeof value !== 'number') || match === null || factor === undefined)
    return undefined;
  const result = Number(match[1]) * factor;
  return Number.isSafeInteger(result) ? result : undefined;
};

/** Times and sizes as text. */
export const SECONDS = /^(\d+)([smh]?)$/;
export const BYTES = /^(\d+) ?(B|kB|MB|GB|KiB|MiB|GiB)?$/;

/** `90`, `90s`, `10m`, `1h` in seconds; anything else is undefined. */
export const parseSeconds = (value: unknown): number | undefined =>
  withUnit(value, SECONDS, { ...IN_SECONDS, '': 1 });

/** `4096`, `64kB`, `4MiB`, `1GiB` in bytes; anything else is undefined. */
export const parseBytes = (value: unknown): number | undefined => withUnit(value, BYTES, IN_BYTES);
