import type { Sink } from '../../audit/auditor.ts';
import type { Writer } from '../../audit/event.ts';
import { AuditFile, type AuditFileOptions } from '../../audit/file/audit-file.ts';
import { AUDIT_DISK, type Disk } from '../../audit/file/disk.ts';
import { FORMATS, type FormatName } from '../../audit/format.ts';
import type { HeadSigner } from '../../audit/head.ts';
import { Outbox, type OutboxOptions } from '../../audit/outbox.ts';
import { StreamTarget, type StreamTargetOptions } from '../../audit/stream-target.ts';
import type { Head, OwnRecord } from '../../audit/target.ts';
import { fileProblem, readFailure } from '../../config/files.ts';
import { FileHeld, type FileHold, holdFile } from '../../control/file-hold.ts';
import type { Log } from '../../envelope/log.ts';
import type { AuditConfig, AuditSinkConfig } from '../../setup/audit.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import type { AuditSinkState } from '../../telemetry/audit-metrics.ts';

/** What sinks need from their app. */
export interface SinkServices {
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly writer: Writer;
  /** The disk; this machine's unless given. */
  readonly disk?: Disk;
  /** All or, where it throws, none. */
  readonly publish: (subject: string, lines: readonly string[]) => void;
  readonly print: (text: string) => Promise<void>;
}

/** Where records go, for as long as configurations have it. */
export interface AppSink {
  /** A file's path, `stdout`, or a subject. */
  readonly name: string;
  readonly sink: Sink;
  /** By another configuration of the same place. */
  follow(config: AuditSinkConfig, audit: AuditConfig, signer: HeadSigner | undefined): AppSink;
  head(): void;
  reopen(): void;
  close(ms: number): Promise<void>;
  state(): AuditSinkState;
}

/** What may wait for one sink. */
const WAITING_BYTES = 16 * 1024 ** 2;
const RETRY_MS = 1_000;
/** Ms that records wait for others where no request waits for them. */
const LINGER_MS = 50;

export const nameOf = ({ file, nats }: AuditSinkConfig): string => file ?? nats ?? 'stdout';

const ownIn =
  (format: FormatName, { clock, writer }: SinkServices): OwnRecord =>
  (kind, more) =>
    FORMATS[format]({ kind, time: clock(), more }, writer);

const sinkOf = ({ format, onFailure, timeout, egresses }: AuditSinkConfig, outbox: Outbox): Sink => ({
  outbox,
  format,
  stop: onFailure === 'stop',
  timeout: timeout * 1000,
  egresses: egresses && new Set(egresses),
});

/**
 * Two processes at one file would each go on with a chain of its own in it.
 * @throws FileHeld, or as the file's `begin` does
 */
const beginAlone = async (target: AuditFile, log: Log): Promise<FileHold | undefined> => {
  let hold: FileHold | undefined;
  let trouble: unknown;
  try {
    hold = await holdFile(target.file);
  } catch (error) {
    if (error instanceof FileHeld) throw error;
    trouble = error;
  }
  try {
    await target.begin();
  } catch (error) {
    await hold?.release();
    throw error;
  }
  if (hold === undefined)
    log.warn(
      { event: 'audit_file', file: target.file, err: trouble },
      `another bridge at ${target.file} is noticed only once it writes: no socket can be made beside the file: ${readFailure(trouble)}`,
    );
  return hold;
};

/**
 * @param path of its section
 * @throws ConfigError for a file that cannot be opened
 */
export const openSink = async (
  config: AuditSinkConfig,
  audit: AuditConfig,
  signer: HeadSigner | undefined,
  services: SinkServices,
  loaded: LoadedConfig,
  index: number,
): Promise<AppSink> => {
  const { log, clock, disk = AUDIT_DISK, publish, print } = services;
  const name = nameOf(config);
  let head: AuditSinkState['head'];
  let publishHeads = audit.heads.nats;
  const onHead = ({ line: _, ...told }: Head): void => {
    head = { seq: told.seq, time: clock() };
    if (publishHeads === undefined) return;
    try {
      publish(publishHeads, [JSON.stringify(told)]);
    } catch (error) {
      log.warn(
        { event: 'audit_head', sink: name, seq: told.seq, err: error },
        'a head of the audit was not published',
      );
    }
  };
  const optionsOf = (it: AuditSinkConfig, { heads }: AuditConfig, by: HeadSigner | undefined) => {
    const own = ownIn(it.format, services);
    const shared = { signer: by, every: heads.records, own, onHead };
    const file: Omit<AuditFileOptions, 'file'> = {
      ...shared,
      writer: services.writer,
      sync: it.onFailure === 'stop',
      rotate: it.rotate,
      keep: it.keep,
      disk,
      onTrouble: (sentence, error) => log.error({ event: 'audit_file', file: name, err: error }, sentence),
    };
    const send: StreamTargetOptions['send'] =
      it.nats === undefined
        ? (lines) => print(lines.map((line) => `${line}\n`).join(''))
        : (lines) => publish(it.nats ?? '', lines);
    const outbox: Omit<OutboxOptions, 'target'> = {
      stop: it.onFailure === 'stop',
      limit: WAITING_BYTES,
      retry: RETRY_MS,
      linger: it.onFailure === 'stop' ? 0 : LINGER_MS,
      lost: (records) => own('lost', { records }),
      onFailure: (error) =>
        log.error(
          { event: 'audit_failed', sink: name, err: error },
          `the audit cannot be written: ${readFailure(error)}`,
        ),
      onWorks: () => log.info({ event: 'audit_works', sink: name }, 'the audit is written again'),
    };
    return { file, stream: { ...shared, send }, outbox };
  };
  const options = optionsOf(config, audit, signer);
  const target =
    config.file === undefined
      ? new StreamTarget(options.stream)
      : new AuditFile({ ...options.file, file: config.file });
  let hold: FileHold | undefined;
  if (target instanceof AuditFile)
    try {
      hold = await beginAlone(target, log);
    } catch (error) {
      const why = error instanceof FileHeld ? error.message : readFailure(error);
      throw fileProblem(
        loaded,
        ['audit', 'sinks', index, 'file'],
        `${name} cannot be written: ${why}`,
        error,
      );
    }
  const outbox = new Outbox({ ...options.outbox, target });
  const made = (it: AuditSinkConfig): AppSink => ({
    name,
    sink: sinkOf(it, outbox),
    follow: (next, inForce, by) => {
      const { file, stream, outbox: given } = optionsOf(next, inForce, by);
      publishHeads = inForce.heads.nats;
      if (target instanceof AuditFile) target.follow(file);
      else target.follow(stream);
      outbox.follow(given);
      return made(next);
    },
    head: () => outbox.head(),
    reopen: () => outbox.reopen(),
    close: async (ms) => {
      await outbox.close(ms);
      await hold?.release();
    },
    state: () => ({
      sink: name,
      ...outbox.counts,
      waiting: outbox.bytes,
      isFailing: outbox.isFailing,
      head,
    }),
  });
  return made(config);
};
