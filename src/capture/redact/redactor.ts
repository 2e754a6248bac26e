import type { CleanMessage } from '../../adapters/kit/own-wire.ts';
import { fileParser } from '../../config/files.ts';
import { isRequestId, isSender } from '../../envelope/check.ts';
import { asRejection, Rejection } from '../../envelope/rejection.ts';
import { ingressesFirst, type Side } from '../../setup/sides.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import {
  bodyFields,
  bodyOf,
  type CassetteHeader,
  type CassetteMessage,
  type CassetteRejected,
  type CassetteTrust,
  isRejected,
} from '../file/format.ts';
import type { Redact } from '../record/recorder.ts';
import { redactFields } from './body.ts';
import { redactChoria } from './choria.ts';
import { ChoriaCallers } from './choria-callers.ts';
import { authoritiesOf, legacyCodec, type Shared } from './codecs.ts';
import { DroppedMessages } from './dropped-messages.ts';
import { FactValues } from './fact-values.ts';
import { type LegacyCodec, redactLegacy } from './legacy.ts';
import { LegacyKeys } from './legacy-keys.ts';
import type { Selection } from './paths.ts';
import { Placeholders } from './placeholders.ts';
import { ReplacementReport } from './replacement-report.ts';
import { revokedOn } from './revoked-callers.ts';
import { Signers } from './signers.ts';
import { StandInSecrets } from './stand-in-secrets.ts';
import { trustOf } from './trust.ts';

/** Takes chosen values out of the messages of one recording. */
export interface Redactor {
  readonly redact: Redact;
  /** Whom to believe now; grows with each caller. */
  trust(): CassetteTrust;
  /** The header's keys now: of those with whom the bridge signs, who has one; grows with each caller. */
  keys(recorded: CassetteHeader['keys']): CassetteHeader['keys'];
  /** What has been replaced so far. */
  readonly replaced: ReplacementReport;
}

/** Headers that brokers, clients and daemons of Choria and MCollective write; any other might hold anything. */
const FRAME_HEADERS: ReadonlySet<string> = new Set([
  'destination',
  'reply-to',
  'timestamp',
  'expires',
  'expiration',
  'priority',
  'persistent',
  'mc_sender',
  'mc_identity',
  'mcbridge',
  'message-id',
  'subscription',
  'content-type',
]);

/** How messages of a side are redacted. */
interface Rewriter {
  /** Headers that are kept. */
  readonly headers: ReadonlySet<string>;
  /** @throws Rejection for what cannot be read to its innermost layer */
  rewrite(body: Buffer, message: CassetteMessage): CleanMessage;
}

/** Of a message that is whole and is about one that is not there. */
class AboutNothing extends Error {}

const PROTOCOL_2 = /"protocol"\s*:\s*"io\.choria\.protocol\.v2\./;

/**
 * @param loaded the configuration that the messages were recorded with: whose protocol, whose keys
 * @throws ConfigError for a key that cannot be read
 */
export const createRedactor = (loaded: LoadedConfig, selection: Selection): Redactor => {
  const { config } = loaded;
  const shared: Shared = { config, parse: fileParser(loaded) };
  const replaced = new ReplacementReport(selection);
  const redaction = { selection, placeholders: new Placeholders(), facts: new FactValues(), replaced };
  const callers = new ChoriaCallers(authoritiesOf(shared));
  const keys = new LegacyKeys();
  const secrets = new StandInSecrets(shared.parse);
  /** The legacy callers that an ingress has a key of, and that have sent something: the public halves of theirs now. */
  const believed = new Map<string, Record<string, string>>();

  const believing = (ingress: string, codec: LegacyCodec): LegacyCodec => {
    const names: Record<string, string> = {};
    believed.set(ingress, names);
    return {
      ...codec,
      caller: (callerId) => {
        const key = codec.caller(callerId);
        if (key !== undefined) names[callerId.replace(/^cert=/, '')] = keys.caller(callerId).publicKey;
        return key;
      },
    };
  };
  const rewriteOf = (side: Side): Rewriter['rewrite'] => {
    const { wire, name } = side.adapter;
    if (wire.format === 'own') {
      const shared = secrets.of(side);
      return (body, { dir, headers = {} }) =>
        wire.redact(
          { dir, headers, body },
          (fields, reply) => redactFields(fields, reply === undefined ? redaction : { ...redaction, reply }),
          shared,
        );
    }
    if (wire.format === 'choria')
      return (body) => redactChoria(body, redaction, callers, config.maxMessageBytes);
    const plain = legacyCodec(side, wire, shared);
    const codec = side.kind === 'ingress' ? believing(name, plain) : plain;
    return (body) => redactLegacy(body, redaction, codec, keys);
  };
  const rewriterOf = (side: Side): Rewriter => {
    const { wire } = side.adapter;
    return { headers: wire.format === 'own' ? wire.headers : FRAME_HEADERS, rewrite: rewriteOf(side) };
  };
  const rewriters = new Map(
    ingressesFirst(config).map((side): [string, Rewriter] => [
      `${side.kind} ${side.adapter.name}`,
      rewriterOf(side),
    ]),
  );

  const rewriterFor = ({ side, link }: CassetteMessage): Rewriter => {
    const rewriter = rewriters.get(`${side} ${link}`);
    if (rewriter === undefined) throw new Rejection('wrong_protocol', `there is no ${side} ${link}`);
    return rewriter;
  };

  const revokedBy = new Map(
    ingressesFirst(config).map((side) => [`${side.kind} ${side.adapter.name}`, revokedOn(side)]),
  );
  const listsOf = ({ kind, adapter }: Side): string | undefined => {
    const find = revokedBy.get(`${kind} ${adapter.name}`);
    return find && callers.listsBy(find);
  };

  const leftOut = new DroppedMessages();
  const signers = new Signers(config);

  const message = (given: CassetteMessage, body: Buffer): CassetteMessage => {
    const rewriter = rewriterFor(given);
    const clean = rewriter.rewrite(body, given);
    if (leftOut.isCauseOf(given, clean.requestId, body)) throw new AboutNothing();
    if (clean.callerId !== undefined) signers.add(given, clean.callerId);
    const { headers, text: _text, base64: _base64, ...rest } = given;
    const kept = Object.entries(headers ?? {}).filter(([name]) => rewriter.headers.has(name));
    return {
      ...rest,
      ...(kept.length === 0 ? {} : { headers: Object.fromEntries(kept) }),
      ...bodyFields(clean.body),
    };
  };

  const leaveOut = (error: unknown, given: CassetteMessage, body: Buffer): string => {
    if (error instanceof AboutNothing) return 'about_a_message_left_out';
    const rejection = asRejection(error);
    if (given.dir === 'in') leftOut.add(given, rejection);
    return PROTOCOL_2.test(body.toString('utf8')) ? 'protocol_2' : rejection.code;
  };

  return {
    replaced,
    redact: (entry, onLeftOut) => {
      if (isRejected(entry)) return leftOut.isTold(entry) ? undefined : withoutWords(entry);
      if (entry.dir === 'in') leftOut.cameIn();
      const body = bodyOf(entry);
      try {
        return message(entry, body);
      } catch (error) {
        // Whatever it is, a message that could not be taken apart is not written down.
        onLeftOut(leaveOut(error, entry, body));
        return undefined;
      }
    },

    keys: (recorded) => signers.keys(recorded, keys),

    trust: () =>
      trustOf(config, {
        caFor: (file) => callers.caFor(file),
        listsOf: (side) => listsOf(side),
        callersOf: (ingress) => believed.get(ingress) ?? {},
        serverKey: keys.server.publicKey,
        secretsOf: (side) => secrets.trust(side),
      }),
  };
};

/** Ids and names only as they must look; of a message that is not one, these are whatever it held. */
const withoutWords = ({ at, rejected }: CassetteRejected): CassetteRejected => {
  const { code, request_id: requestId, sender } = rejected;
  return {
    at,
    rejected: {
      code,
      ...(requestId !== undefined && isRequestId(requestId) && { request_id: requestId }),
      ...(sender !== undefined && isSender(sender) && { sender }),
    },
  };
};
