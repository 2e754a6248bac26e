import {
  isOpaque,
  isOpaqueReply,
  type ReadableReplyAddress,
  type Reply,
  type ReplyAddress,
  type Request,
} from '../envelope/message.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import type { Step } from '../envelope/port.ts';
import type { Rejection, RejectionContext } from '../envelope/rejection.ts';

export const flowOf = ({ flow }: Pick<ReplyAddress, 'flow'>): { readonly flow?: string } =>
  flow === undefined ? {} : { flow };

/** All that it is for. */
export const collectivesOf = (request: Request): readonly string[] =>
  isOpaque(request) ? request.targets.map(({ collective }) => collective) : [request.collective];

/** How many messages to nodes it stands for; a broadcast is one. */
export const targetsOf = ({ targets }: Request): number => targets.length;

/** Made for each request: object spreads cost several times as much. */
export const aboutRequest = ({ home, id, sender, caller, agent, collective }: Request): RejectionContext => {
  const about: { -readonly [Key in keyof RejectionContext]: RejectionContext[Key] } = {
    requestId: id,
    sender,
    collective,
  };
  if (home.flow !== undefined) about.flow = home.flow;
  if (caller !== undefined) about.caller = caller;
  if (agent !== undefined) about.agent = agent;
  return about;
};

/** Where an error goes that is about a request. */
export const answerAddress = (request: Request) =>
  isOpaque(request) ? request.payload.errorReplyAddress(request.payload.content) : request.home;

export const aboutReply = (reply: Reply): RejectionContext => {
  const { home, sender } = reply;
  const about = { ...flowOf(home), requestId: home.requestId, sender };
  return isOpaqueReply(reply)
    ? about
    : { ...about, agent: reply.home.agent, collective: reply.home.collective };
};

/** What a refused message says of itself, and where it says nothing, what its reply address says. */
export const aboutRefusal = (
  { context }: Rejection,
  home: ReadableReplyAddress | undefined,
): RejectionContext => {
  const {
    flow = home?.flow,
    requestId = home?.requestId,
    agent = home?.agent,
    collective = home?.collective,
  } = context;
  return {
    ...context,
    ...(flow !== undefined && { flow }),
    ...(requestId !== undefined && { requestId }),
    ...(agent !== undefined && { agent }),
    ...(collective !== undefined && { collective }),
  };
};

/** Tells an observer of each step that the ingress or egress of that name has done. */
export const stepsOf =
  (link: string, observer: Pick<BridgeObserver, 'step'>) =>
  (step: Step, about: RejectionContext): void =>
    observer.step(`request ${step}`, undefined, () => ({ ...about, link }));
