/** Commands of `mco`, `choria` and of a first guess, and what does the same here. */
const COMMANDS: Readonly<Record<string, string>> = {
  observe: 'mcbridge federation observe',
  trace: 'mcbridge federation trace NODE',
  broker: 'mcbridge run',
  start: 'mcbridge run',
  serve: 'mcbridge run',
  server: 'mcbridge run',
  validate: 'mcbridge check',
  verify: 'mcbridge check',
  test: 'mcbridge check',
  find: 'mcbridge ping, which takes the same filters and lists who answers',
  discover: 'mcbridge ping, which takes the same filters and lists who answers',
  facts: 'mcbridge rpc rpcutil get_fact fact=NAME',
  req: 'mcbridge rpc',
  request: 'mcbridge rpc',
  call: 'mcbridge rpc',
  nodes: 'mcbridge inventory',
  dump: 'mcbridge decode',
  capture: 'mcbridge record',
  play: 'mcbridge replay',
  status: 'mcbridge federation observe, or the HTTP address of http.listen: /metrics and /readyz',
};

/** Options of `mco` and `choria req` that the commands here do not have, and what to write. */
const OPTIONS: Readonly<Record<string, string>> = {
  '-S': 'compound filters are not offered here: combine -F, -C and -I, or use the client of Choria or MCollective',
  '--select':
    'compound filters are not offered here: combine -F, -C and -I, or use the client of Choria or MCollective',
  '-A': 'mcbridge rpc AGENT … finds the nodes that have the agent',
  '--wa': 'mcbridge rpc AGENT … finds the nodes that have the agent',
  '--with-agent': 'mcbridge rpc AGENT … finds the nodes that have the agent',
  '--wf': 'write -F or --with-fact',
  '--wc': 'write -C or --with-class',
  '--wi': 'write -I or --with-identity',
  '-t': 'write --timeout SECONDS',
  '--dt': 'write --discovery-timeout SECONDS',
  '--discovery_timeout': 'write --discovery-timeout SECONDS',
  '--dm': 'nodes are always found by asking them; name them with --target, and nobody is asked',
  '--disc-method': 'nodes are always found by asking them; name them with --target, and nobody is asked',
  '--nodes': 'name each node with --target NODE',
  '-1': 'name one node with --target NODE',
  '--one': 'name one node with --target NODE',
  '--limit': 'name the nodes with --target NODE, or narrow the filters',
  '--limit-nodes': 'name the nodes with --target NODE, or narrow the filters',
  '--batch': 'all nodes are asked at once; ask groups one after the other, with --target or filters',
  '--batch-size': 'all nodes are asked at once; ask groups one after the other, with --target or filters',
  '--nr': 'replies are always waited for',
  '--no-results': 'replies are always waited for',
  '--reply-to': 'replies come back to the command',
  '--ttl': 'a request lives as long as --timeout and a little more',
  '-q': 'the progress bar is on standard error, and only in a terminal: 2>/dev/null leaves it out',
  '--np': 'the progress bar is on standard error, and only in a terminal: 2>/dev/null leaves it out',
  '--no-progress': 'the progress bar is on standard error, and only in a terminal: 2>/dev/null leaves it out',
  '-v': 'all that a node says is shown anyway; --json has everything',
  '--verbose': 'all that a node says is shown anyway; --json has everything',
  '--display': 'all replies are shown; choose from --json with jq',
  '--target-collective': 'write -T or --collective',
  '--dry-run': 'write mcbridge check',
};

/** What to write for a command that is not there. @param args the command line without the program */
export const commandHint = (args: readonly string[]): string | undefined => {
  const words = args.filter((arg) => !arg.startsWith('-'));
  const word = words[0] === 'help' ? words[1] : words[0];
  const meant = word === undefined || !Object.hasOwn(COMMANDS, word) ? undefined : COMMANDS[word];
  return meant === undefined ? undefined : `(here it is ${meant})`;
};

/** What to write for an option that is not there. @param flag `-S`, or `--dt=2` with its value */
export const optionHint = (flag: string): string | undefined => {
  const name = flag.startsWith('--') ? (flag.split('=', 1)[0] ?? '') : flag.slice(0, 2);
  const hint = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
  return hint === undefined ? undefined : `(${name}: ${hint})`;
};
