import { Auditor, type AuditSettings } from '../../audit/auditor.ts';
import type { DescribeOptions } from '../../audit/describe.ts';
import type { Writer } from '../../audit/event.ts';
import { Later } from '../../audit/later.ts';
import type { ReadFile } from '../../config/files.ts';
import { type Exchange, NO_EXCHANGE } from '../../control/held.ts';
import type { Audit } from '../../envelope/audit.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import type { AuditSinkState } from '../../telemetry/audit-metrics.ts';
import type { MeteredLink } from '../../telemetry/meter.ts';
import { readAuditKeys } from './keys.ts';
import { type AppSink, nameOf, openSink, type SinkServices } from './sink.ts';

export interface AppAuditOptions extends Omit<SinkServices, 'publish' | 'print' | 'writer'> {
  /** The names of the app, for its life. */
  readonly config: Writer;
  /** Nothing is written. */
  readonly offline?: true | undefined;
  /** Links to NATS on which statistics are published. */
  readonly networks: () => readonly MeteredLink[];
  /** Other instances, which may carry replies; undefined where nobody can tell. */
  readonly others: () => number | undefined;
  readonly print?: SinkServices['print'];
}

/** The audit of an app, whatever configuration is in force. */
export interface AppAudit {
  /** Undefined where nothing is written down. */
  now(): Audit | undefined;
  /** What may be shown of a request elsewhere: what is written down, and where nothing is, no inputs. */
  shown(): DescribeOptions;
  /**
   * All sinks of another configuration.
   * @throws ConfigError for a file that cannot be opened, or a key that cannot be used: then nothing has changed
   */
  prepare(loaded: LoadedConfig, read: ReadFile): Promise<Exchange>;
  /** Files that were moved away are written to no more. */
  reopen(): void;
  states(): readonly AuditSinkState[];
  /** Writes what is left, and publishes the last heads: links close later. */
  close(): Promise<void>;
}

/** How long a sink may take to write what is left, in ms. */
const CLOSE_TIMEOUT_MS = 3_000;
/** A record that waits for a network for longer is late news. */
const PUBLISH_MS = 30_000;

/** Nobody has said which inputs are secret. */
const NO_INPUTS: DescribeOptions = {
  redaction: { keys: new Map([['*', 'drop']]), secret: undefined },
  names: 20,
};

/** What is printed counts once the reader has taken it. */
const printed = (text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });

export const createAppAudit = (options: AppAuditOptions): AppAudit => {
  const { clock, networks, others, offline } = options;
  const writer: Writer = { cluster: options.config.cluster, instance: options.config.instance };
  let network: string | undefined;
  let sinks: readonly AppSink[] = [];
  let writing: { readonly auditor: Auditor; readonly later: Later } | undefined;
  let shown = NO_INPUTS;
  let timer: NodeJS.Timeout | undefined;
  const services: SinkServices = {
    ...options,
    writer,
    print: options.print ?? printed,
    publish: (subject, lines) => {
      const link = networks().find(({ name }) => network === undefined || name === network);
      if (link === undefined || !link.raw.state().up) throw new Error('the network is not connected');
      const expires = clock() + PUBLISH_MS;
      link.raw.sendAll(
        lines.map((line) => ({
          destination: subject,
          body: Buffer.from(line),
          expires,
          purpose: 'cluster' as const,
        })),
      );
    },
  };
  const beat = (seconds: number | undefined): void => {
    clearInterval(timer);
    timer = undefined;
    if (seconds === undefined) return;
    timer = setInterval(() => {
      for (const sink of sinks) sink.head();
    }, seconds * 1000).unref();
  };
  const begin = (settings: AuditSettings): void => {
    const auditor = new Auditor({ settings, writer, clock, isAlone: () => others() === 0 });
    const later = new Later({
      audit: auditor,
      isAwaited: () => auditor.isAwaited,
      onFailure: (error) =>
        options.log.error({ event: 'audit_failed', err: error }, 'a record of the audit was lost'),
    });
    writing = { auditor, later };
  };
  /** All that is known by now is on its way to the sinks. */
  const finish = (): void => {
    writing?.later.flush();
    writing?.auditor.stop();
  };
  return {
    now: () => writing?.later,
    shown: () => shown,
    prepare: async (loaded, read) => {
      if (offline) return NO_EXCHANGE;
      const { signer, secret } = readAuditKeys(loaded, read);
      const { audit } = loaded.config;
      const configs = audit?.sinks ?? [];
      const opened: AppSink[] = [];
      const ready: (() => AppSink)[] = [];
      try {
        for (const [index, config] of configs.entries()) {
          if (audit === undefined) break;
          const same = sinks.find(({ name }) => name === nameOf(config));
          if (same !== undefined) ready.push(() => same.follow(config, audit, signer));
          else {
            const sink = await openSink(config, audit, signer, services, loaded, index);
            opened.push(sink);
            ready.push(() => sink);
          }
        }
      } catch (error) {
        await Promise.all(opened.map((sink) => sink.close(CLOSE_TIMEOUT_MS)));
        throw error;
      }
      return {
        commit: async () => {
          const before = sinks;
          sinks = ready.map((take) => take());
          network = audit?.network;
          const settings = {
            redaction: { keys: audit?.redact ?? new Map(), secret },
            names: audit?.names ?? 0,
            sinks: sinks.map(({ sink }) => sink),
          };
          shown = audit === undefined ? NO_INPUTS : settings;
          if (audit === undefined) {
            finish();
            writing = undefined;
          } else if (writing === undefined) begin(settings);
          else {
            writing.later.flush();
            writing.auditor.follow(settings);
          }
          beat(audit?.heads.interval);
          const names = new Set(sinks.map(({ name }) => name));
          const gone = before.filter(({ name }) => !names.has(name));
          await Promise.all(gone.map((sink) => sink.close(CLOSE_TIMEOUT_MS)));
        },
        abandon: async () => {
          await Promise.all(opened.map((sink) => sink.close(CLOSE_TIMEOUT_MS)));
        },
      };
    },
    reopen: () => {
      for (const sink of sinks) sink.reopen();
    },
    states: () => sinks.map((sink) => sink.state()),
    close: async () => {
      clearInterval(timer);
      finish();
      await Promise.all(sinks.map((sink) => sink.close(CLOSE_TIMEOUT_MS)));
    },
  };
};
