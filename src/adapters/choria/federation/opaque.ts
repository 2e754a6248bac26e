import type { OpaqueRequest, OpaqueView, ReadableReplyAddress, Target } from '../../../envelope/message.ts';
import { asRejection, Rejection } from '../../../envelope/rejection.ts';
import { checkTime } from '../../../envelope/time.ts';
import type { AdapterContext, Services } from '../../descriptor.ts';
import type { ReplyExit } from '../requests/reply-sender.ts';
import {
  type CallerVerifier,
  decodeRequestBody,
  decodeSecureRequest,
  decodeUnreadRequest,
  parseTargets,
  TRANSPORT_V1,
  type Transport,
  tieTarget,
  transportData,
} from '../wire/index.ts';

export interface OpaqueOptions {
  readonly name: string;
  /** The collectives whose requests pass unchanged, and whether they are verified before. */
  readonly opaque: ReadonlyMap<string, { readonly verify: boolean }>;
  readonly verifier: CallerVerifier;
  readonly around: Pick<AdapterContext, 'maxTargets' | 'maxTtl'>;
  readonly services: Pick<Services, 'clock'>;
  readonly exit: Pick<ReplyExit, 'check'>;
  /** Where an error goes; a look inside. */
  readonly errorReplyAddress: (transport: Transport) => ReadableReplyAddress | undefined;
}

/** The ttl of a request that is not opened to look for its own: Choria's default, in seconds. */
const DEFAULT_TTL_SECONDS = 60;

/**
 * The message as an opaque request, or undefined where it is for a collective that is translated.
 * @throws Rejection for what no broker may pass
 */
export const readOpaque = (transport: Transport, options: OpaqueOptions): OpaqueRequest | undefined => {
  const subjects = transport.federation?.targets ?? [];
  const first = subjects[0];
  const modes = first === undefined ? undefined : options.opaque.get(first.slice(0, first.indexOf('.')));
  if (modes === undefined) return undefined;
  const { request = '' } = transport.federation ?? {};
  try {
    return opaque(transport, subjects, modes, options);
  } catch (error) {
    const { sender } = transport;
    throw asRejection(error, { ...(request && { requestId: request }), ...(sender && { sender }) });
  }
};

const opaque = (
  { replyTo, sender = '', hops, federation, content }: Transport,
  subjects: readonly string[],
  mode: { readonly verify: boolean },
  options: OpaqueOptions,
): OpaqueRequest => {
  if (replyTo === undefined)
    throw new Rejection('missing_field', 'the transport message has no reply-to header');
  options.exit.check(replyTo);
  const targets = parseTargets(subjects, options.around);
  for (const { collective } of targets)
    if (options.opaque.get(collective) !== mode)
      throw new Rejection(
        'collective_mismatch',
        `a target is in the collective ${collective}, which the request's route does not export`,
      );
  const proven = mode.verify ? verified(content, targets, options) : undefined;
  const requestId = federation?.request ?? '';
  const trail = hops && { hops };
  const [first] = targets;
  const agent = proven?.agent ?? (first?.kind === 'node' ? undefined : first?.agent);
  const expires =
    proven?.expires ?? options.services.clock() + Math.min(DEFAULT_TTL_SECONDS, options.around.maxTtl) * 1000;
  return {
    id: requestId,
    sender,
    ...(proven && { caller: proven.caller }),
    collective: first?.collective ?? '',
    ...(agent !== undefined && { agent }),
    targets,
    payload: {
      kind: 'opaque',
      content,
      ...(proven && { view: proven.view }),
      // The message as it came, but for what an answer does not need.
      errorReplyAddress: (inside) =>
        options.errorReplyAddress({
          content: inside,
          replyTo,
          sender,
          federation: { request: requestId },
          ...trail,
        }),
    },
    home: { ingress: options.name, replyTo, requestId, expires, ...trail },
  };
};

interface Proven {
  readonly caller: string;
  readonly agent: string;
  /** Ms since the epoch. */
  readonly expires: number;
  readonly view: () => OpaqueView;
}

/** Signature, caller, time and targets, as for a request that is translated. Protocol 1 only. */
const verified = (
  content: Transport['content'],
  targets: readonly Target[],
  { verifier, around, services: { clock } }: OpaqueOptions,
): Proven => {
  if (content.protocol !== TRANSPORT_V1)
    throw new Rejection('wrong_protocol', 'this route verifies requests, which it can for protocol 1 only');
  // Strictly: what is read here has to be what the nodes read.
  const secure = decodeSecureRequest(transportData(content).data);
  // Its filter passes unchanged: the nodes read it, and the bridge has nothing to say in theirs.
  const wire = decodeUnreadRequest(secure.message);
  try {
    const { privileged } = verifier.verify(secure, wire.callerId, clock());
    for (const target of targets) tieTarget(target, wire);
    const { expires } = checkTime(wire.time, wire.ttl, clock(), around);
    const { callerId: caller, agent } = wire;
    const read = (): OpaqueView => {
      const { payload } = decodeRequestBody(wire.message, { ...wire, vouched: privileged });
      const asked = payload.kind === 'rpc' ? { action: payload.action, data: payload.data } : {};
      return { caller, agent, ...asked, filter: wire.readFilter(), targets };
    };
    let seen: OpaqueView | undefined;
    const view = (): OpaqueView => {
      seen ??= read();
      return seen;
    };
    return { caller, agent, expires: expires * 1000, view };
  } catch (error) {
    throw asRejection(error, { caller: wire.callerId, agent: wire.agent, collective: wire.collective });
  }
};
