/** What an instance says of itself in its documents; plain JavaScript, because `instance.mjs` runs without a compiler. */
export const sourcesOf = (instance, link, stats) => ({
  version: '1.2.3',
  identity: `${instance}.example.net`,
  instance,
  configFile: '/etc/mcbridge/bridge.yaml',
  started: Date.now(),
  interval: 1,
  links: [link],
  stats,
  inFlight: () => 0,
  health: () => ({ ready: true, phase: 'running', troubles: [] }),
  httpRequests: () => 0,
});
