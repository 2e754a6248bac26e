/**
 * Which destinations a pattern stands for: `*` for one token, `>` for one or more at the end, on NATS as on ActiveMQ.
 * @param pattern NATS subject or STOMP destination
 */
export const matcher = (pattern: string): ((destination: string) => boolean) => {
  if (!/[*>]/.test(pattern)) return (destination) => destination === pattern;
  const wanted = pattern.split('.');
  // As most patterns are: what it begins with tells.
  const start = pattern.slice(0, -1);
  if (wanted.at(-1) === '>' && !/[*>]/.test(start)) return (destination) => destination.startsWith(start);
  return (destination) => {
    const tokens = destination.split('.');
    for (const [at, want] of wanted.entries()) {
      if (want === '>') return tokens.length > at;
      if (tokens[at] === undefined || (want !== '*' && want !== tokens[at])) return false;
    }
    return tokens.length === wanted.length;
  };
};
