import { createSecretKey, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EgressAdapter } from '../../adapters/descriptor.ts';
import { mapCaller } from '../../bridge/identity-map.ts';
import { likelyCauses } from '../../bridge/likely-causes.ts';
import { Stats } from '../../bridge/stats.ts';
import type { Checklist } from '../../config/checklist.ts';
import { fileParser, fileReader } from '../../config/files.ts';
import { DISK } from '../../config/key-files.ts';
import { SILENT_LOG } from '../../envelope/log.ts';
import type { Cause, Egress } from '../../envelope/port.ts';
import { errorText, quoted } from '../../envelope/text.ts';
import { SigningPool } from '../../pki/signing-pool.ts';
import { isOpaqueRoute } from '../../setup/ends.ts';
import { learningOf } from '../../setup/learning.ts';
import { adapterContextOf } from '../../setup/sides.ts';
import type { Config, LoadedConfig } from '../../setup/types.ts';
import type { Link } from '../../transport/link.ts';
import { BROKERS } from '../../transport/transports.ts';
import { Answers } from './answers.ts';
import { type Probed, tellProbed } from './probe-report.ts';

const ignore = (): void => undefined;

/** How nodes are asked. */
export interface Asking {
  /** Ms that nodes have to answer. */
  readonly timeout: number;
  /** A caller as an ingress knows him, in whose mapped name is asked; the bridge's own unless told. */
  readonly caller?: string;
}

/** Where is asked, and in whose name on that side. */
interface Question {
  readonly collective: string;
  readonly as?: string;
}

/**
 * Sends discovery in each collective that a route exports, as the bridge itself does, on connections of its own. The egress
 * is not started, so that no reply of a running bridge comes here, and its answers go to nobody else.
 */
export const checkNodes = async (
  list: Checklist,
  loaded: LoadedConfig,
  { timeout, caller }: Asking,
): Promise<void> => {
  const asked = [...loaded.config.egresses.values()].flatMap(({ adapter }) =>
    placesOf(list, loaded, adapter).flatMap((collective) => {
      const questions: readonly Question[] =
        caller === undefined
          ? [{ collective }]
          : mapped(list, loaded.config, adapter, { collective, caller });
      return questions.map((question) => ({ adapter, question }));
    }),
  );
  if (caller !== undefined && asked.length === 0)
    list.problem(
      ['routes'],
      `nobody can be asked in the name of ${quoted(caller)}: its requests pass by no route`,
      'give the caller id as clients of the ingress have it, or add an identity rule for it',
    );
  const probed = await Promise.all(
    asked.map(({ adapter, question }) => probe(loaded, adapter, { ...question, timeout })),
  );
  for (const one of probed) tellProbed(list, one, probed);
};

/** In whose names a caller's requests go out there, as the routes map him; a finding where they do not. */
const mapped = (
  list: Checklist,
  config: Config,
  { name, privileged }: EgressAdapter,
  { collective, caller }: { readonly collective: string; readonly caller: string },
): readonly Question[] => {
  const routes = config.routes.filter(
    (route) => route.to === name && route.collectives.includes(collective) && !isOpaqueRoute(route, config),
  );
  const names = new Set<string>();
  const reasons = new Set<string>();
  for (const { identities: rules } of routes)
    try {
      names.add(mapCaller(caller, { rules, privileged }));
    } catch (error) {
      reasons.add(errorText(error));
    }
  if (names.size === 0) {
    const why = [...reasons].join('; ') || 'its requests pass there as their callers have signed them';
    list.skipped(
      ['egresses', name],
      `nobody is asked in the collective ${collective} in the name of ${quoted(caller)}: ${why}`,
    );
  }
  return [...names].map((as) => ({ collective, as }));
};

/** The collectives that are to be asked there; none where that cannot be done. */
const placesOf = (list: Checklist, { config }: LoadedConfig, adapter: EgressAdapter): readonly string[] => {
  const path = ['egresses', adapter.name];
  const { collectives } = adapterContextOf(config, adapter.name, 'egress');
  if (collectives.length === 0) return [];
  if (!adapter.asks) {
    list.skipped(path, 'nobody is asked who is there: without signing nodes answer no question of its own');
    return [];
  }
  // Where the bridge itself asks nobody, it has not been looked whether it could.
  if (learningOf(config).get(adapter.name)?.every === 0) adapter.check.asking(list);
  return collectives;
};

const probe = async (
  loaded: LoadedConfig,
  adapter: EgressAdapter,
  { collective, as, timeout }: Question & Pick<Asking, 'timeout'>,
): Promise<Probed> => {
  const answers = new Answers(Date.now);
  let link: Link | undefined;
  let causes: readonly Cause[] = [];
  let failure: string | undefined;
  try {
    const spec = adapter.link(loaded.config, fileReader(loaded));
    link = BROKERS.open(spec, { failFast: true, onEvent: ignore });
    const egress = unstarted(loaded, adapter, link);
    ({ causes = [] } = egress);
    await link.open();
    if (egress.discover === undefined) throw new Error('it cannot ask');
    await egress.discover(collective, answers.found, answers.unread, as);
    await sleep(timeout);
  } catch (error) {
    failure = errorText(error);
  } finally {
    await link?.close();
  }
  const { nodes, refused, offClocks } = answers;
  return {
    egress: adapter.name,
    collective,
    as,
    timeout,
    failure,
    nodes,
    refused,
    offClocks,
    causes: (known) => likelyCauses({ causes, unread: refused.map(({ reason }) => reason), known }),
  };
};

const unstarted = (loaded: LoadedConfig, adapter: EgressAdapter, link: Link): Egress =>
  adapter.create(adapterContextOf(loaded.config, adapter.name, 'egress'), {
    link,
    parse: fileParser(loaded),
    keys: DISK,
    log: SILENT_LOG,
    observer: new Stats(),
    clock: Date.now,
    // It makes no reply token.
    tokenKey: createSecretKey(randomBytes(32)),
    pool: new SigningPool(),
    nodes: { whereabouts: () => 'unknown' },
  });
