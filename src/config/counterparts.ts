/** What other programs call a key; ours is the same in every section. */
const SYNONYMS: Readonly<Record<string, string>> = {
  username: 'user',
  login: 'user',
  passcode: 'password',
  pass: 'password',
  passwd: 'password',
  host: 'servers, a list such as [stomp://activemq.example.net:61613]',
  hosts: 'servers',
  server: 'servers, a list',
  brokers: 'servers',
  url: 'servers, a list',
  urls: 'servers',
  port: 'servers, where the port is part of the URL',
  ssl: 'tls',
  cafile: 'ca, in tls',
  ca_file: 'ca',
  cert_file: 'cert',
  certificate: 'cert',
  key_file: 'key',
  keydir: 'keys_dir',
  virtual_host: 'vhost',
  main_collective: 'collectives, of a route',
  collective: 'collectives, a list',
  ttl: 'max_ttl, at the top',
  loglevel: 'log.level, at the top',
};

const LEGACY_SIDE = 'of an ingress or egress of type mcollective-stomp';
const CHORIA_SIDE = 'of an ingress or egress of type choria-federation or choria-collective';

/**
 * Settings of MCollective 2 (server.cfg and client.cfg) and of Choria, and the keys that say the same here. The names are those
 * that MCollective's connectors and security plugins and go-choria's `config/choria.go` read. First match counts.
 */
const SETTINGS: readonly (readonly [name: RegExp, counterpart: string])[] = [
  [/^plugin\.(?:activemq|rabbitmq)\.pool\.\d+\.(?:host|port)$/, `servers ${LEGACY_SIDE}`],
  [/^plugin\.(?:activemq|rabbitmq)\.pool\.\d+\.user$/, `user ${LEGACY_SIDE}`],
  [/^plugin\.(?:activemq|rabbitmq)\.pool\.\d+\.password$/, `password ${LEGACY_SIDE}`],
  [
    /^plugin\.(?:activemq|rabbitmq)\.pool\.\d+\.ssl$/,
    `a server that begins with stomp+ssl:// ${LEGACY_SIDE}`,
  ],
  [/^plugin\.(?:activemq|rabbitmq)\.pool\.\d+\.ssl\.(ca|cert|key)$/, `tls.$1 ${LEGACY_SIDE}`],
  [/^plugin\.(?:activemq|rabbitmq)\.pool\.\d+\.ssl\.fallback$/, `tls.verify: false ${LEGACY_SIDE}`],
  [/^plugin\.(?:activemq|rabbitmq)\.pool\.size$/, `servers ${LEGACY_SIDE}: one entry a server`],
  [/^plugin\.(?:activemq|rabbitmq)\.base64$/, `base64 ${LEGACY_SIDE}`],
  [/^plugin\.(?:activemq|rabbitmq)\.priority$/, `priority ${LEGACY_SIDE}`],
  [/^plugin\.(?:activemq|rabbitmq)\.agents_multiplex$/, `agents_multiplex ${LEGACY_SIDE}`],
  [/^plugin\.(?:activemq|rabbitmq)\.heartbeat_interval$/, `heartbeat ${LEGACY_SIDE}`],
  [/^plugin\.(?:activemq|rabbitmq)\.vhost$/, `vhost ${LEGACY_SIDE}`],
  [
    /^plugin\.(?:activemq|rabbitmq)\..+$/,
    'not needed: the bridge reconnects for ever, with pauses of its own',
  ],
  [/^plugin\.ssl_server_public$/, 'server_public_key of an egress of type mcollective-stomp'],
  [/^plugin\.ssl_server_private$/, 'server_private_key of an ingress of type mcollective-stomp'],
  [/^plugin\.ssl_client_cert_dir$/, 'callers.keys_dir of an ingress of type mcollective-stomp'],
  [
    /^plugin\.ssl_client_(?:private|public)$/,
    'signing.keys_dir, or signing.callerid and signing.private_key, of an egress of type mcollective-stomp',
  ],
  [/^plugin\.ssl_serializer$/, `serializer ${LEGACY_SIDE}`],
  [/^plugin\.ssl\.enforce_ttl$/, 'callers.enforce_ttl of an ingress of type mcollective-stomp'],
  [
    /^plugin\.(?:psk|sshkey|aes)\b.*$/,
    'not there: the SSL plugin is the only security plugin of MCollective that the bridge speaks',
  ],
  [/^plugin\.choria\.(?:middleware_hosts|federation_middleware_hosts)$/, `servers ${CHORIA_SIDE}`],
  [/^plugin\.choria\.(?:middleware_host|middleware_port)$/, `servers ${CHORIA_SIDE}`],
  [/^plugin\.choria\.network\..+$/, 'not there: the NATS servers have their own configuration'],
  [/^plugin\.choria\.broker_federation$/, 'not needed: what a route says is federated'],
  [/^plugin\.choria\.federation\.cluster$/, 'cluster, at the top or of an ingress of type choria-federation'],
  [/^plugin\.choria\.federation\.collectives$/, 'for clients: it names the cluster of this file'],
  [/^plugin\.choria\.federation\.instance$/, 'instance, at the top'],
  [/^plugin\.choria\.stats_port$/, 'http.listen, at the top'],
  [/^plugin\.choria\.security\.certname_whitelist$/, 'callers.allow of an ingress from Choria'],
  [
    /^plugin\.choria\.security\.privileged_users$/,
    'callers.privileged of an ingress from Choria, privileged of an egress to Choria',
  ],
  [/^plugin\.security\.file\.ca$/, `tls.ca ${CHORIA_SIDE}`],
  [/^plugin\.security\.file\.certificate$/, `tls.cert ${CHORIA_SIDE}`],
  [/^plugin\.security\.file\.key$/, `tls.key ${CHORIA_SIDE}`],
  [/^plugin\.choria\.(?:ssldir|puppet).*$/, `tls ${CHORIA_SIDE}`],
  [/^plugin\.nats\.(?:user|username)$/, `user ${CHORIA_SIDE}`],
  [/^plugin\.nats\.(?:pass|password)$/, `password ${CHORIA_SIDE}`],
  [/^plugin\.nats\.credentials$/, `credentials ${CHORIA_SIDE}`],
  [/^plugin\.nats\..+$/, `tls ${CHORIA_SIDE}`],
  [/^plugin\.yaml$|^factsource$|^classesfile$/, 'not needed: nodes answer for their facts and classes'],
  [/^collectives$|^main_collective$/, 'collectives of a route'],
  [/^identity$/, 'identity, at the top'],
  [/^(?:securityprovider|connector)$/, 'type of an ingress or egress'],
  [/^direct_addressing$/, 'not needed: named nodes are always asked directly'],
  [/^direct_addressing_threshold$/, 'direct_limit of an egress of type mcollective-stomp'],
  [/^ttl$/, 'max_ttl, at the top'],
  [/^loglevel$/, 'log.level, at the top'],
  [
    /^(?:logfile|logger_type|keeplogs|max_log_size|daemonize)$/,
    'not needed: the log goes to standard output',
  ],
  [/^plugin\..+$/, 'not there'],
];

/**
 * What a setting of MCollective or Choria is called here, or why it is not there; undefined for any other name.
 * @param name as in server.cfg, client.cfg or choria.conf
 */
export const counterpartOf = (name: string): string | undefined => {
  for (const [pattern, counterpart] of SETTINGS) {
    const match = pattern.exec(name);
    if (match !== null) return counterpart.replace('$1', match[1] ?? '');
  }
  return undefined;
};

/**
 * What to write in place of a key that is not known, as the end of a sentence.
 * @param known the keys of that section
 */
export const hintFor = (key: string, known: readonly string[]): string | undefined => {
  const name = key.toLowerCase().replaceAll('-', '_');
  if (key.includes('.') || (SYNONYMS[name] === undefined && counterpartOf(name) !== undefined)) {
    const counterpart = counterpartOf(name);
    if (counterpart === undefined) return undefined;
    return counterpart.startsWith('not ')
      ? `this setting of MCollective or Choria is ${counterpart}`
      : `here it is ${counterpart}`;
  }
  const synonym = SYNONYMS[name];
  const [first = ''] = synonym?.split(',') ?? [];
  if (synonym === undefined || (!known.includes(first) && !synonym.includes(','))) return undefined;
  return `here it is ${synonym}`;
};
