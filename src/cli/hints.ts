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

type Hints = Readonly<Record<string, string>>;

/** One hint for several names. */
const all = (names: string, hint: string): Hints =>
  Object.fromEntries(names.split(' ').map((name) => [name, hint]));

const FILTERED = 'write mcbridge ping or mcbridge rpc, which take filters';

/**
 * Options of `mco` (mcollective/optionparser.rb, application/rpc.rb of 2.12.5) and of `choria req` (cmd/req.go) that the commands
 * which ask nodes do not have, and what to write.
 */
const ASKING: Hints = {
  ...all(
    '-S --select',
    'compound filters are not offered here: combine -F, -C and -I, or use the client of Choria or MCollective',
  ),
  ...all('-A --wa --with-agent', 'mcbridge rpc AGENT … finds the nodes that have the agent'),
  '--wf': 'write -F or --with-fact',
  '--wc': 'write -C or --with-class',
  '--wi': 'write -I or --with-identity',
  '-t': 'write --timeout SECONDS',
  ...all('--dt --discovery_timeout', 'write --discovery-timeout SECONDS; mcbridge ping has only --timeout'),
  '--discovery-timeout': 'write --timeout SECONDS: ping is a discovery',
  ...all(
    '--dm --disc-method --do --disc-option --discovery-window',
    'nodes are always found by asking them; with --target no discovery takes place',
  ),
  '--nodes': 'name each node with --target NODE',
  ...all('-1 --one', 'name one node with --target NODE'),
  ...all(
    '--limit --limit-nodes --ln --limit-seed',
    'name the nodes with --target NODE, or narrow the filters',
  ),
  ...all(
    '-b --batch --batch-size --batch-sleep --batch-sleep-time',
    'all nodes are asked at once; ask groups one after the other, with --target or filters',
  ),
  ...all('--nr --no-results', 'replies are always waited for'),
  ...all('-r --reply-to', 'replies come back to the command'),
  '--ttl': 'a request lives as long as --timeout and a little more',
  ...all('--connection-timeout --publish_timeout --publish-timeout', 'one --timeout is for all of it'),
  ...all('--threaded --workers', 'there is nothing to set: replies are taken as they come'),
  ...all(
    '-q --quiet --np --no-progress --silent',
    'the progress bar is on standard error, and only in a terminal: 2>/dev/null leaves it out',
  ),
  ...all('-v --verbose', 'all that a node says is shown anyway; --json has everything'),
  ...all('--display --filter-replies --senders', 'all replies are shown; choose from --json with jq'),
  '--table': 'a table can be made of --json with jq',
  '--sort':
    'the report is in the order of the nodes, times in that of the replies; --json can be sorted with jq',
  ...all('-o --output-file', 'write to a file with > FILE'),
  '--target': 'name a node with -I NODE, a collective with -T NAME',
  '--target-collective': 'write -T or --collective',
  '--federations': 'write --federation CLUSTER,…',
  '--agent': 'the agent is the first word: mcbridge rpc AGENT ACTION [KEY=VALUE …]',
  '--action': 'the action is the second word: mcbridge rpc AGENT ACTION [KEY=VALUE …]',
  ...all('-a --arg --argument', 'inputs follow the action: mcbridge rpc AGENT ACTION KEY=VALUE'),
};

/** What one command is asked for out of habit. */
const OF_COMMAND: Readonly<Record<string, Hints>> = {
  run: {
    ...all(
      '-v --verbose --debug --log-level --loglevel',
      'write log: { level: debug } into the configuration',
    ),
    ...all(
      '-d --daemonize --foreground --no-daemonize',
      'it runs in the foreground; docs/mcbridge.service is a unit for systemd',
    ),
    ...all('--pidfile --pid', 'it writes none; a process manager knows its process'),
    ...all('-p --port --listen', 'write http: { listen: 127.0.0.1:8222 } into the configuration'),
    ...all(
      '-j --json',
      'write log: { format: json } into the configuration; outside a terminal it is so anyway',
    ),
    ...all('--log --logfile --log-file', 'the log goes to standard output'),
    ...all('--dry-run --check --test', 'write mcbridge check'),
  },
  check: all('-v --verbose', 'it tells all that it has looked at anyway; --json has it for programs'),
  decode: all('-v --verbose', 'write --full, which cuts nothing'),
  record: { ...all('-f --file', 'write --out FILE'), ...all('-t --timeout', 'write --for 60s') },
  inventory: {
    ...all('-I --identity --with-identity --wi --target --nodes', 'write --node PATTERN'),
    ...all('-F --with-fact --wf -C --with-class --wc -A --with-agent --wa -W --with -S --select', FILTERED),
    ...all(
      '--lc --list-collectives --lm --collective-graph --script',
      'the report has the collectives of each egress; --json is for scripts',
    ),
  },
};

/** Where a command takes no word, or no further one, what was probably meant. */
const WORDS: Hints = {
  inventory:
    'mcbridge inventory --node NODE; what one node is made of: mcbridge rpc rpcutil inventory --target NODE',
  ping: 'mcbridge ping -I NODE',
  run: 'mcbridge run --config FILE',
  check: 'mcbridge check --config FILE',
  record: 'mcbridge record --config FILE --out CASSETTE',
  trace: 'mcbridge federation trace NODE, one node at a time',
  observe: 'mcbridge federation observe --cluster NAME',
};

const wordsOf = (args: readonly string[]): readonly string[] => args.filter((arg) => !arg.startsWith('-'));

/** What to write for a command that is not there. @param args the command line without the program */
export const commandHint = (args: readonly string[]): string | undefined => {
  const words = wordsOf(args);
  const word = words[0] === 'help' ? words[1] : words[0];
  const meant = word === undefined || !Object.hasOwn(COMMANDS, word) ? undefined : COMMANDS[word];
  return meant === undefined ? undefined : `(here it is ${meant})`;
};

const commandOf = ([first = '', second = '']: readonly string[]): string =>
  first === 'federation' ? second : first;

/** What to write for a word too many. @param args the command line without the program */
export const wordHint = (args: readonly string[]): string | undefined => {
  const command = commandOf(wordsOf(args));
  return Object.hasOwn(WORDS, command) ? `(write ${WORDS[command]})` : undefined;
};

/**
 * What to write for an option that is not there.
 * @param args the command line without the program
 * @param flag `-S`, or `--dt=2` with its value
 */
export const optionHint = (args: readonly string[], flag: string): string | undefined => {
  const name = flag.startsWith('--') ? (flag.split('=', 1)[0] ?? '') : flag.slice(0, 2);
  const command = commandOf(wordsOf(args));
  const own = Object.hasOwn(OF_COMMAND, command) ? (OF_COMMAND[command] ?? {}) : {};
  const hints = { ...(ASKING_COMMANDS.has(command) ? ASKING : {}), ...own };
  return Object.hasOwn(hints, name) ? `(${name}: ${hints[name]})` : undefined;
};

const ASKING_COMMANDS: ReadonlySet<string> = new Set(['ping', 'rpc', 'trace', 'observe', 'inventory']);
