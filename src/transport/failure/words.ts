/** What texts of failures call the settings of a link: keys of a configuration, or options of a command. */
export interface SettingNames {
  readonly servers: string;
  readonly ca: string;
  readonly crl: string;
  readonly crlExpired: string;
  readonly cert: string;
  readonly key: string;
  readonly minVersion: string;
  readonly ciphers: string;
  readonly user: string;
  readonly password: string;
  readonly plaintext: string;
}

/** As in bridge.yaml, below an ingress or egress. */
export const CONFIG_NAMES: SettingNames = {
  servers: 'servers',
  ca: 'tls.ca',
  crl: 'tls.crl',
  crlExpired: 'tls.crl_expired',
  cert: 'tls.cert',
  key: 'tls.key',
  minVersion: 'tls.min_version',
  ciphers: 'tls.ciphers',
  user: 'user',
  password: 'password',
  plaintext: 'insecure_plaintext: true',
};

/** As the options of client commands have them. */
export const OPTION_NAMES: SettingNames = {
  ...CONFIG_NAMES,
  servers: '--server',
  ca: '--ca',
  cert: '--cert',
  key: '--key',
  minVersion: '--tls-min-version',
  ciphers: '--tls-ciphers',
  plaintext: '--insecure-plaintext',
};

/** What texts of failures say of a protocol; each kind of link has its own. */
export interface ProtocolWords {
  readonly protocol: string;
  /** With its article. */
  readonly peer: string;
  /** How URLs without and with TLS begin. */
  readonly plain: string;
  readonly secure: string;
  /** Which settings let a client in. */
  readonly credentials: string;
  /** Goes on a hint for a port that says nothing. */
  readonly silentHint: string;
  /** Goes on a hint where a login may be the reason as well. */
  readonly loginHint: string;
}
