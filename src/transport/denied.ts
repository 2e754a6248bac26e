/**
 * Ms until a subscription that the broker refuses is asked for again. Rights are not granted within seconds, and brokers log
 * each refusal, so the pause grows beyond that of connections: six times its `max`.
 * @param refusals how many there were
 */
export const pauseAfter = (
  refusals: number,
  { initial, max }: { readonly initial: number; readonly max: number },
): number => Math.min(6 * max, initial * 2 ** Math.min(refusals - 1, 20));
