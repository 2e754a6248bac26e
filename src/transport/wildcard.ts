/**
 * Which destinations a pattern stands for: `*` for one token, `>` for one or more at the end, on NATS as on ActiveMQ.
 * @param pattern NATS subject or STOMP destination
 */
export const matcher = (pattern: string): ((destination: string) => boolean) => {
  const wanted = pattern.split('.');
  return (destination) => {
    const tokens = destination.split('.');
    for (const [at, want] of wanted.entries()) {
      if (want === '>') return tokens.length > at;
      if (tokens[at] === undefined || (want !== '*' && want !== tokens[at])) return false;
    }
    return tokens.length === wanted.length;
  };
};
