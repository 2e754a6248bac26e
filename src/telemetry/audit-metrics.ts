/** How one of the places is that an audit goes to. */
export interface AuditSinkState {
  /** A file's path, `stdout`, or a subject. */
  readonly sink: string;
  readonly written: number;
  readonly lost: number;
  readonly refused: number;
  /** Bytes that wait. */
  readonly waiting: number;
  readonly isFailing: boolean;
  /** The last signed head: its number, and when it was made in ms since the epoch. */
  readonly head: { readonly seq: number; readonly time: number } | undefined;
}

type Make = <T extends string>(
  name: string,
  help: string,
  labelNames: readonly T[],
  read: () => Iterable<readonly [Record<T, string>, number]>,
) => void;

/** What tells an operator whether the audit is whole. */
export const registerAuditMetrics = (
  counter: Make,
  gauge: Make,
  { audit }: { readonly audit?: (() => readonly AuditSinkState[]) | undefined },
): void => {
  if (audit === undefined) return;
  const bySink =
    (read: (state: AuditSinkState) => number) => (): readonly (readonly [Record<'sink', string>, number])[] =>
      audit().map((state) => [{ sink: state.sink }, read(state)]);
  counter(
    'mcbridge_audit_records_total',
    'Records of the audit by what became of them: written, lost, or refused together with the request that waited for it',
    ['sink', 'result'],
    () =>
      audit().flatMap((state) =>
        (['written', 'lost', 'refused'] as const).map(
          (result): readonly [Record<'sink' | 'result', string>, number] => [
            { sink: state.sink, result },
            state[result],
          ],
        ),
      ),
  );
  gauge(
    'mcbridge_audit_failing',
    'Whether the audit cannot be written',
    ['sink'],
    bySink(({ isFailing }) => (isFailing ? 1 : 0)),
  );
  gauge(
    'mcbridge_audit_waiting_bytes',
    'What waits to be written to the audit',
    ['sink'],
    bySink(({ waiting }) => waiting),
  );
  const withHead = (read: (head: NonNullable<AuditSinkState['head']>) => number) => () =>
    audit().flatMap(({ sink, head }): readonly (readonly [Record<'sink', string>, number])[] =>
      head === undefined ? [] : [[{ sink }, read(head)]],
    );
  gauge(
    'mcbridge_audit_head_seq',
    'The number of the last signed head of the audit',
    ['sink'],
    withHead(({ seq }) => seq),
  );
  gauge(
    'mcbridge_audit_head_timestamp_seconds',
    'When the last head of the audit was signed',
    ['sink'],
    withHead(({ time }) => time / 1000),
  );
};
