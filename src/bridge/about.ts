import type { Reply, Request } from '../envelope/message.ts';
import type { RejectionContext } from '../envelope/rejection.ts';
import { isSealedReply, isSealedRequest, type SealedReply, type SealedRequest } from '../envelope/sealed.ts';

export const flowOf = ({ flow }: { readonly flow?: string }): { readonly flow?: string } =>
  flow === undefined ? {} : { flow };

/** How many messages to nodes it stands for; a broadcast is one. */
export const targetsOf = (request: Request | SealedRequest): number => {
  if (isSealedRequest(request)) return request.targets.length;
  return request.target.kind === 'directed' ? request.target.nodes.length : 1;
};

export const aboutRequest = (request: Request | SealedRequest): RejectionContext => {
  if (isSealedRequest(request)) {
    const { home, sender, caller } = request;
    return {
      ...flowOf(home),
      requestId: home.requestId,
      sender,
      ...(caller === undefined ? {} : { caller }),
    };
  }
  const { id, sender, caller, agent, collective, home } = request;
  return { ...flowOf(home), requestId: id, sender, caller, agent, collective };
};

/** In whose name it goes out; what passes sealed keeps its own. */
export const callerOut = (outgoing: Request | SealedRequest): { readonly callerOut?: string } =>
  isSealedRequest(outgoing) ? {} : { callerOut: outgoing.caller };

/** Ms since the epoch. */
export const expiryOf = (request: Request | SealedRequest): number =>
  isSealedRequest(request) ? request.expires : request.home.expires * 1000;

export const aboutReply = (reply: Reply | SealedReply): RejectionContext => ({
  ...flowOf(reply.home),
  requestId: reply.home.requestId,
  sender: reply.sender,
  ...(isSealedReply(reply) ? {} : { agent: reply.home.agent, collective: reply.home.collective }),
});
