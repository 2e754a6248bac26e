/** When the first certificate of a file ends that a link, an ingress or an egress uses. */
export interface CertificateUse {
  readonly link: string;
  readonly file: string;
  /** Ms since the epoch. */
  readonly ends: number;
}

type MakeGauge = <T extends string>(
  name: string,
  help: string,
  labelNames: readonly T[],
  read: () => Iterable<readonly [Record<T, string>, number]>,
) => void;

/** What tells an operator that certificates have to be renewed, or were renewed by something that cannot be used. */
export const registerCertificateMetrics = (
  gauge: MakeGauge,
  {
    certificates,
    refusedFiles,
  }: {
    readonly certificates?: (() => readonly CertificateUse[]) | undefined;
    readonly refusedFiles?: (() => readonly string[]) | undefined;
  },
): void => {
  if (certificates !== undefined)
    gauge(
      'mcbridge_certificate_expires_timestamp_seconds',
      'When the first certificate of a file ends that an ingress, an egress, or the link of one uses',
      ['link', 'file'],
      () => certificates().map(({ link, file, ends }) => [{ link, file }, Math.floor(ends / 1000)]),
    );
  if (refusedFiles !== undefined)
    gauge(
      'mcbridge_files_refused',
      'Whether changed certificates, keys or passwords of a link cannot be used, so that those before are kept',
      ['link'],
      () => refusedFiles().map((link) => [{ link }, 1]),
    );
};
